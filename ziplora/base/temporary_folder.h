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

/// For what must stay: nothing removes it.
/// @param name  the folder's is NAME.<random>, in the system's folder for temporary files
/// @throws Error(kFailed)
std::filesystem::path new_temporary_folder(const std::string& name);

}  // namespace ziplora
