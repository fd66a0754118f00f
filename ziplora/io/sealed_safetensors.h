#pragma once
/// Safetensors files that prove to be as they were written: their metadata hold a digest of all the rest, header
/// and data. For what is resumed from, where one wrong bit would pass into the result unnoticed.
///
///     write_sealed_safetensors(path, tensors, metadata);
///     const SafetensorsFile file(path);
///     require_seal(file, "train: " + path.string(), "resume from an earlier checkpoint");

#include <filesystem>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// @param metadata  bytes that are not UTF-8 become U+FFFD
/// @throws as write_safetensors
void write_sealed_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                              StringMap metadata);

/// Reads the whole file once.
/// @param where, hint  of the error
/// @throws Error(kInput) if the file has no seal, or any of its bytes is not as it was written
void require_seal(const SafetensorsFile& file, const std::string& where, const std::string& hint);

}  // namespace ziplora
