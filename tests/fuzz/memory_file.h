#pragma once
/// A file that never touches a disk, for readers that need a path. It lives as long as the object.
///
///     MemoryFile file(bytes);
///     SafetensorsFile tensors(file.path());

#include <filesystem>
#include <string_view>

namespace ziplora {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::filesystem::path path() const;  ///< "/proc/self/fd/7"

 private:
  int descriptor_;
};

}  // namespace ziplora
