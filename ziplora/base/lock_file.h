#pragma once
/// A file whose lock says that somebody is at work, with the process's number in it. The system releases it when the
/// process ends, however that happens; a file that is left over locks nothing.
///
///     LockFile lock("merges/.4f….lock");
///     if (lock.take() == FileLock::kHeldByAnother) … lock.holder();   // "process 4711"

#include <filesystem>
#include <string>

#include "ziplora/base/file_lock.h"

namespace ziplora {

class LockFile {
 public:
  explicit LockFile(std::filesystem::path file) : file_(std::move(file)) {}
  /// Removes the file if its lock was taken.
  ~LockFile();
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  /// Does not wait; may be called again while another holds it.
  /// @return kUnknownHere, too, if the file cannot be made
  FileLock take();
  /// The one that held it at the last take(); "another process" before it has written its number.
  const std::string& holder() const { return holder_; }

 private:
  std::filesystem::path file_;
  std::string holder_;
  int descriptor_ = -1;
};

}  // namespace ziplora
