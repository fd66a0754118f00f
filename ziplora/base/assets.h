#pragma once
/// Files that come with the program: in a build tree in `assets/` beside the binary's folder, installed in
/// `share/ziplora/` of the prefix, else in `assets/` of the current folder.
///
///     if (const auto mini = find_asset("mini/model_index.json")) …

#include <filesystem>
#include <optional>
#include <vector>

namespace ziplora {

/// The places of such a file, in the order in which they are tried.
std::vector<std::filesystem::path> asset_places(const std::filesystem::path& name);
std::optional<std::filesystem::path> find_asset(const std::filesystem::path& name);

}  // namespace ziplora
