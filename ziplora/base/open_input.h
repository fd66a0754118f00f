#pragma once
/// Opens an input file, or explains what is wrong with its path; all readers share these messages.
///
///     const InputFile file = open_input("cat.safetensors");
///     while (size_t got = file.read(block.data(), block.size())) …

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <utility>

namespace ziplora {

/// An open file and what was true of it when it was opened.
class InputFile {
 public:
  InputFile(std::filesystem::path path, int descriptor);
  ~InputFile();
  InputFile(InputFile&& other) noexcept
      : path_(std::move(other.path_)),
        descriptor_(std::exchange(other.descriptor_, -1)),
        status_(other.status_) {}
  InputFile& operator=(InputFile&&) = delete;

  /// The next bytes. @return their number; 0 at the end
  /// @throws Error(kInput) if the disk fails, or at the end if somebody wrote to the file since it was opened
  size_t read(void* into, size_t size_bytes) const;

  /// @throws Error(kInput) if somebody wrote to the file since it was opened. A file that was replaced as a
  ///         whole, by rename, is still what it was for whoever holds it open.
  void require_unchanged() const;

  const std::filesystem::path& path() const { return path_; }
  int descriptor() const { return descriptor_; }
  const struct stat& status() const { return status_; }
  uint64_t size_bytes() const { return static_cast<uint64_t>(status_.st_size); }

 private:
  std::filesystem::path path_;
  int descriptor_;
  struct stat status_;
};

/// Of one file at two times. Whoever writes and then sets the old time of modification back (rsync, cp -p) changes
/// the time of status. So do a new link, owner or permission, which leave the content as it is and show in the
/// status themselves.
bool same_content(const struct stat& then, const struct stat& now);

/// Opens regular files alone, and never waits: a pipe without a writer would hold a reader for ever, and a
/// device may have no end.
/// @param expected  for messages: "a safetensors file"
/// @throws Error(kInput): no such file, a folder, a pipe, a device, a symbolic link that leads nowhere or in a
///         circle, no permission, …
InputFile open_input(const std::filesystem::path& path, const std::string& expected = "a file");

}  // namespace ziplora
