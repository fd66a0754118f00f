#pragma once
/// Names that strangers give to files, made harmless, and questions about where a path leads.
///
///     safe_name("../../.bashrc\n.safetensors", "adapter")   // ".bashrc_.safetensors" without its leading dots
///     is_inside(folder, folder / "link")                    // false if the link leads elsewhere

#include <filesystem>
#include <string>
#include <string_view>

namespace ziplora::studio {

/// The last part of the name, at most 120 bytes of it: letters, digits, space and -_.+() stay, also those beyond ASCII,
/// anything else becomes '_'; no dot, space or hyphen stands first. Empty names become `otherwise`.
std::string safe_name(std::string_view name, std::string_view otherwise);

/// With links followed. False, too, for what does not exist.
bool is_inside(const std::filesystem::path& folder, const std::filesystem::path& path);

/// Lower case, with its dot: ".png".
std::string extension_of(const std::filesystem::path& path);

}  // namespace ziplora::studio
