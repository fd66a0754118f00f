#include "ziplora/base/folder_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ziplora/base/error.h"
#include "ziplora/base/file_lock.h"

namespace ziplora {
namespace {

/// The one that wrote the file; "another process" before it has.
std::string holder_of(int descriptor) {
  char digits[16] = {};
  const ssize_t size = ::pread(descriptor, digits, sizeof(digits) - 1, 0);
  return size > 0 ? fmt::format("process {}", digits) : "another process";
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder, const std::string& hint)
    : file_(folder / ".lock") {
  while (true) {
    const int descriptor = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0) return;
    if (const FileLock lock = try_lock(descriptor); lock != FileLock::kTaken) {
      const std::string holder = holder_of(descriptor);
      ::close(descriptor);
      if (lock == FileLock::kUnknownHere) return;
      throw Error(ErrorKind::kFailed, "use the folder " + folder.string(),
                  holder + " is working in it, and two would mix their files", hint);
    }
    descriptor_ = descriptor;
    if (has_name(descriptor, file_)) break;
    ::close(descriptor);  // its holder has just removed it
    descriptor_ = -1;
  }
  const std::string process = std::to_string(::getpid());
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, process.data(), process.size(), 0) < 0)
    return;  // a full disk costs the others no more than the number
}

FolderLock::~FolderLock() {
  if (descriptor_ < 0) return;
  ::unlink(file_.c_str());
  ::close(descriptor_);
}

}  // namespace ziplora
