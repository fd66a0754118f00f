#pragma once
/// Reads a whole file into memory, for formats that are parsed in one piece (images, JSON, merges.txt). Large
/// tensors are mapped instead: io/safetensors.h.
///
///     std::string text = read_file("config.json");

#include <cstdint>
#include <filesystem>
#include <string>

namespace ziplora {

/// @throws Error(kInput) if the file is missing, no regular file, unreadable, or larger than `size_limit_bytes`
std::string read_file(const std::filesystem::path& path, uint64_t size_limit_bytes = uint64_t{1} << 30);

}  // namespace ziplora
