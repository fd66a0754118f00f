#pragma once
/// What a finished output takes on disk, be it a file or a folder.
///
///     size_on_disk("cat.safetensors");   // 170543052
///     size_on_disk("sdxl-cat/");         // the sum over every file below it

#include <cstdint>
#include <filesystem>

namespace ziplora {

/// @return bytes; 0 for a pipe or a device, which keeps nothing
/// @throws std::filesystem::filesystem_error if nothing is there
uintmax_t size_on_disk(const std::filesystem::path& file_or_folder);

}  // namespace ziplora
