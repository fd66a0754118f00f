#pragma once
/// Parses the JSON header of a safetensors file, with every check of the reference reader, and writes it. Works
/// on bytes; io/safetensors.h maps the files.
///
///     SafetensorsHeader header = parse_safetensors_header(json, data_size_bytes, "read cat.safetensors");

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// The reference reader and writer refuse longer headers.
inline constexpr uint64_t kSafetensorsHeaderLimitBytes = 100'000'000;

struct SafetensorsHeader {
  std::map<std::string, TensorInfo> tensors;
  StringMap metadata;
};

/// @param json             the N bytes after the length field
/// @param data_size_bytes  what the file holds after the header
/// @param where            for messages: operation and file
/// @throws Error(kInput) for malformed JSON (with the byte), a missing, repeated or misspelt field, a hole or
///         overlap between tensors, a size that does not fit the shape, missing or surplus data, a tensor name
///         given twice
SafetensorsHeader parse_safetensors_header(std::string_view json, uint64_t data_size_bytes,
                                           const std::string& where);

/// @param tensors   in the order of their data
/// @return compact JSON, `__metadata__` first, padded with spaces to a multiple of 8; UIs look for `{"` in the
///         first two bytes
/// @throws Error(kInput) if a name or a metadata value is not UTF-8 or the header is over the limit
std::string build_safetensors_header(const std::vector<std::pair<std::string, TensorInfo>>& tensors,
                                     const StringMap& metadata, const std::string& where);

}  // namespace ziplora
