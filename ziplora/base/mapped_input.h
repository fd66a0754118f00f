#pragma once
/// An input file mapped into memory, and what to do if somebody changes it there.
///
///     const MappedInput file("cat.safetensors", "a safetensors file");
///     read(file.bytes(), file.size_bytes());
///     require_unchanged_inputs();   // before anything made of it is called a result
///
/// A file that is cut short while it is mapped ends a program with SIGBUS, and one that is rewritten in place
/// makes a mixture of two files. Reading large files whole would prevent both, at twice the memory. Instead,
/// pages that are gone read as zeros, so that work runs on to the next check; and every result is checked
/// before it gets its name: AtomicFile::commit asks require_unchanged_inputs. So a change becomes an ordinary
/// error, with an exit code of its own, and temporary files are removed on the way.
///
/// What no time stamp tells goes unseen: a rewrite of the same length within the clock tick (4 ms) in which the
/// file was opened.

#include <cstdint>
#include <filesystem>
#include <string>

#include "ziplora/base/open_input.h"

namespace ziplora {

class MappedInput {
 public:
  /// @param expected  for messages: "a safetensors file"
  /// @throws Error(kInput) as open_input; Error(kExhausted) if there is no room for the map
  MappedInput(const std::filesystem::path& path, const std::string& expected);
  /// A change that shows now is the next check's error.
  ~MappedInput();
  MappedInput(const MappedInput&) = delete;
  MappedInput& operator=(const MappedInput&) = delete;

  /// Private and writable: writing to a page makes a copy of it and leaves the file as it is. nullptr if the
  /// file is empty.
  unsigned char* bytes() const { return bytes_; }
  uint64_t size_bytes() const { return file_.size_bytes(); }

  /// @throws Error(kInput) if somebody wrote to the file since it was opened
  void require_unchanged() const;

 private:
  InputFile file_;
  unsigned char* bytes_ = nullptr;
  size_t guard_ = 0;  // its place among the guarded maps
};

/// Asks every file that is mapped, and those that were since the last check.
/// @throws Error(kInput) for the first that somebody wrote to
void require_unchanged_inputs();

}  // namespace ziplora
