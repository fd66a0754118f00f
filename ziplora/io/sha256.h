#pragma once
/// SHA-256 fingerprints. Model sites and UIs recognise a file by them, and merge recipes name their inputs so.
///
///     sha256_of_file("cat.safetensors");                       // changes with the metadata
///     sha256_of_tensors(SafetensorsFile("cat.safetensors"));   // does not
///
/// Sites show the first 10 digits of the one as "AutoV2", and the other as "AutoV3" or sshs_model_hash.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// The digest of bytes that arrive piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(const void* bytes, size_t size_bytes);
  /// 64 lower-case hexadecimal digits of everything so far; more may follow.
  std::string hex() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// @return 64 lower-case hexadecimal digits
std::string sha256_of_bytes(std::string_view bytes);

/// Reads in blocks, so that large files do not fill the memory.
/// @param stop  asked between blocks, for a thread that nobody waits for any more; the result is then empty
/// @throws Error(kInput) if the file is missing or unreadable
std::string sha256_of_file(const std::filesystem::path& path, const std::stop_token& stop = {});

/// The digest of the data section, that is of everything after the header.
std::string sha256_of_tensors(const SafetensorsFile& file);

}  // namespace ziplora
