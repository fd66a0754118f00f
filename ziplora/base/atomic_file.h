#pragma once
/// A file that appears under its name whole or not at all.
///
///     AtomicFile file("out.safetensors");  // opens out.safetensors.<random>.part beside it
///     file.write(bytes, size);
///     file.commit();                       // renames; without it the destructor removes the part

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace ziplora {

class AtomicFile {
 public:
  /// @throws Error(kFailed) if the folder does not exist or is not writable; Error(kUsage) if `path` itself
  ///         is a folder
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// @throws Error(kExhausted) when the disk is full
  void write(const void* bytes, size_t size_bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Overwrites the first bytes.
  /// @throws as write; Error(kInternal) if the text is longer than what has been written
  void rewrite_start(std::string_view text);
  void commit();

 private:
  void write_at(const char* bytes, size_t size_bytes, int64_t offset);
  std::filesystem::path path_, part_path_;
  int descriptor_;
  int64_t end_ = 0;
};

/// @throws as AtomicFile
void write_text_file(const std::filesystem::path& path, std::string_view text);

}  // namespace ziplora
