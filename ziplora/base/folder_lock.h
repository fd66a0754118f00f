#pragma once
/// Keeps a folder for one process, so that two runs cannot mix their files.
///
///     const FolderLock lock("runs/dog", "name another folder with --run-folder");

#include <filesystem>
#include <string>

namespace ziplora {

/// Holds `.lock` in the folder, with the process's number in it. The system releases it when the process ends,
/// however that happens; a file that is left over locks nothing.
class FolderLock {
 public:
  /// @param folder  exists
  /// @param hint    of the error
  /// @throws Error(kFailed) naming the process that has the folder. Where a file system knows no locks, or the
  ///         folder cannot be written to, nothing is locked
  FolderLock(const std::filesystem::path& folder, const std::string& hint);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

}  // namespace ziplora
