#include "ziplora/base/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace ziplora {
namespace {

std::string holder_of(int descriptor) {
  char digits[16] = {};
  const ssize_t size = ::pread(descriptor, digits, sizeof(digits) - 1, 0);
  return size > 0 ? fmt::format("process {}", digits) : "another process";
}

}  // namespace

FileLock LockFile::take() {
  while (true) {
    const int descriptor = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0) return FileLock::kUnknownHere;
    if (const FileLock lock = try_lock(descriptor); lock != FileLock::kTaken) {
      holder_ = holder_of(descriptor);
      ::close(descriptor);
      return lock;
    }
    descriptor_ = descriptor;
    if (has_name(descriptor, file_)) break;
    ::close(descriptor);  // its holder has just removed it
    descriptor_ = -1;
  }
  const std::string process = std::to_string(::getpid());
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, process.data(), process.size(), 0) < 0)
    return FileLock::kTaken;  // a full disk costs the others no more than the number
  return FileLock::kTaken;
}

LockFile::~LockFile() {
  if (descriptor_ < 0) return;
  ::unlink(file_.c_str());
  ::close(descriptor_);
}

}  // namespace ziplora
