#pragma once
/// Writes a safetensors file whose metadata tell the sha256 of its own data section. A second thread computes
/// the digest while the data are written, since it takes as long.
///
///     write_hashed_safetensors(path, tensors, [&](const std::string& sha256) {
///       return StringMap{{"modelspec.hash_sha256", "0x" + sha256}};
///     });

#include <filesystem>
#include <functional>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// The same bytes as `write_safetensors(path, tensors, metadata_of(digest))`.
/// @param metadata_of  called twice in the caller's thread, first with a placeholder of the digest's length (64
///                     hexadecimal digits); what it returns must have the same size both times
/// @throws as write_safetensors; Error(kInternal) if the sizes differ
void write_hashed_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                              const std::function<StringMap(const std::string& data_sha256)>& metadata_of);

}  // namespace ziplora
