#pragma once
/// Files that come with the program: in `assets/` beside the folder of its binary, else below the current
/// folder.
///
///     if (const auto mini = find_asset("mini/model_index.json")) …

#include <filesystem>
#include <optional>
#include <vector>

namespace ziplora {

/// Where it may lie, in the order in which it is looked for.
std::vector<std::filesystem::path> asset_places(const std::filesystem::path& name);
std::optional<std::filesystem::path> find_asset(const std::filesystem::path& name);

}  // namespace ziplora
