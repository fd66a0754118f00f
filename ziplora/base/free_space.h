#pragma once
/// A disk that is too small costs seconds if it shows before the work, and hours if it shows at the end.
///
///     require_space_for("dog.safetensors", 90'000'000);

#include <cstdint>
#include <filesystem>

namespace ziplora {

/// @param path        of a file or a folder that will be written; links and streams as in output_target.h
/// @param size_bytes  what it will take, at least
/// @throws Error(kExhausted) if the disk that takes the bytes has less room; where that is unknown, writing will
///         tell. As find_output_target
void require_space_for(const std::filesystem::path& path, uint64_t size_bytes);

}  // namespace ziplora
