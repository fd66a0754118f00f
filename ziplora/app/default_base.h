#pragma once
/// Where the base comes from when nobody names one: $ZIPLORA_BASE, else the miniature of the repository
/// that the program was built in or is run from. So the first command a newcomer types gives an image.
///
///     std::unique_ptr<Sdxl> base = load_sdxl(resolve_base(request.base), policy, progress);

#include <filesystem>
#include <optional>

namespace ziplora {

/// @param given  the user's choice
/// @return it or $ZIPLORA_BASE; nothing where the miniature is meant
std::optional<std::filesystem::path> named_base(const std::optional<std::filesystem::path>& given);

/// @param given  the user's choice; absent: searched for
/// @throws Error(kInput) that names the places looked at
std::filesystem::path resolve_base(const std::optional<std::filesystem::path>& given);

/// @return whether the base is the miniature, named or not
bool is_miniature(const std::optional<std::filesystem::path>& given);

}  // namespace ziplora
