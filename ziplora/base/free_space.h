#pragma once
/// A disk that is too small costs seconds if it shows before the work, and hours if it shows at the end.
///
///     require_space_for("dog.safetensors", 90'000'000);

#include <cstdint>
#include <filesystem>

namespace ziplora {

/// @param size_bytes  what the file will take, at least
/// @throws Error(kExhausted) if the disk that holds the folder of `path` has less; where that is unknown,
///         writing will tell
void require_space_for(const std::filesystem::path& path, uint64_t size_bytes);

}  // namespace ziplora
