#pragma once
/// A file that appears under its name whole or not at all.
///
///     AtomicFile file("out.safetensors");  // opens a hidden temporary file beside it
///     file.write(bytes, size);
///     file.commit();                       // renames; without it the destructor removes the temporary
///
/// A link stays one: the file that it leads to is replaced. Pipes and character devices are not replaced but
/// written into: the content is collected in the system's folder for temporary files, and `commit` sends it. So they,
/// too, get all or nothing. An existing file's permissions stay, since a private file must not become public
/// because it is written anew; a new one has those that the umask leaves.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "ziplora/base/output_target.h"

namespace ziplora {

class AtomicFile {
 public:
  /// @throws as find_output_target; Error(kFailed) if the folder is not writable
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Small pieces go to the file together: a LoRA has thousands of tensors of a few bytes each.
  /// @throws Error(kExhausted) when the disk is full
  void write(const void* bytes, size_t size_bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Overwrites the first bytes.
  /// @throws as write; Error(kInternal) if the text is longer than what has been written
  void rewrite_start(std::string_view text);
  /// Waits for a reader if the output is a pipe.
  void commit();

 private:
  void write_at(const char* bytes, size_t size_bytes, int64_t offset);
  /// Writes what has been collected.
  void write_pieces();
  void send();
  std::filesystem::path path_, part_path_;  ///< the part of a stream has no path
  OutputTarget target_;
  int descriptor_;
  std::string pieces_;  ///< the last bytes, not in the file yet
  int64_t end_ = 0;     ///< of all bytes
};

/// @throws as AtomicFile
void write_text_file(const std::filesystem::path& path, std::string_view text);

}  // namespace ziplora
