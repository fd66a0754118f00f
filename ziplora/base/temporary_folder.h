#pragma once
/// A folder that its destructor removes with everything in it, for tests and working files.
///
///     TemporaryFolder folder;
///     write_text_file(folder / "a.txt", "…");

#include <filesystem>
#include <string>

namespace ziplora {

class TemporaryFolder {
 public:
  /// In the system's folder for temporary files.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace ziplora
