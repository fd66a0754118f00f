#pragma once
/// Keeps a folder for one process, so that two runs cannot mix their files.
///
///     const FolderLock lock("runs/dog", "name another folder with --run-folder");

#include <filesystem>
#include <string>

#include "ziplora/base/lock_file.h"

namespace ziplora {

/// Holds `.lock` in the folder (lock_file.h) while it lives.
class FolderLock {
 public:
  /// @param folder  exists
  /// @param hint    of the error
  /// @throws Error(kFailed) naming the process that has the folder. Where a file system knows no locks, or the
  ///         folder cannot be written to, nothing is locked
  FolderLock(const std::filesystem::path& folder, const std::string& hint);

 private:
  LockFile lock_;
};

}  // namespace ziplora
