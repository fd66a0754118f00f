#include "ziplora/base/open_input.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& problem, const std::string& hint) {
  throw Error(ErrorKind::kInput, "read " + path.string(), problem, hint);
}

[[noreturn]] void refuse_missing(const fs::path& path) {
  std::error_code none;
  const fs::path leads_to = fs::read_symlink(path, none);
  if (leads_to.empty()) refuse(path, "there is no such file", "check the spelling of the path");
  refuse(path, "a symbolic link to " + leads_to.string() + ", which does not exist",
         leads_to.string().find("annex/objects") == std::string::npos
             ? "fetch the file that the link leads to"
             : "git-annex has not fetched the content: run 'git annex get' there");
}

[[noreturn]] void refuse_unopened(const fs::path& path, const std::string& expected) {
  switch (const int code = errno) {
    case ENOENT:
      refuse_missing(path);
    case ENOTDIR:
      refuse(path, "there is no such file: a part of the path is a file, not a folder",
             "check the spelling of the path");
    case ELOOP:
      refuse(path, "the symbolic links lead in a circle", "name the file itself");
    case EACCES:
    case EPERM:
      refuse(path, "you do not have permission to read this file",
             "change its permissions, or copy it as its owner");
    case ENXIO:
      refuse(path, "this is a socket or a device, " + expected + " is expected",
             "write what comes out of it to a file, and name that");
    case ENAMETOOLONG:
      refuse(path, "the name is longer than this file system allows", "check the spelling of the path");
    default:
      refuse(path, std::string("cannot be opened: ") + std::strerror(code), "check the path and the disk");
  }
}

bool same(const struct timespec& a, const struct timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

bool same_content(const struct stat& then, const struct stat& now) {
  if (then.st_size != now.st_size || !same(then.st_mtim, now.st_mtim)) return false;
  return same(then.st_ctim, now.st_ctim) || then.st_nlink != now.st_nlink || then.st_mode != now.st_mode ||
         then.st_uid != now.st_uid || then.st_gid != now.st_gid;
}

InputFile::InputFile(fs::path path, int descriptor)
    : path_(std::move(path)), descriptor_(descriptor), status_{} {
  if (::fstat(descriptor_, &status_) != 0) status_ = {};  // which is no regular file
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

size_t InputFile::read(void* into, size_t size_bytes) const {
  for (;;) {
    const ssize_t got = ::read(descriptor_, into, size_bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse(path_, std::string("reading failed: ") + std::strerror(errno), "check the disk");
    if (got == 0) require_unchanged();
    return static_cast<size_t>(got);
  }
}

void InputFile::require_unchanged() const {
  struct stat now {};
  if (::fstat(descriptor_, &now) == 0 && same_content(status_, now)) return;
  refuse(path_,
         now.st_size == status_.st_size
             ? std::string("somebody wrote to the file while it was being read")
             : "the file changed while it was being read: it had " + std::to_string(status_.st_size) +
                   " bytes, now it has " + std::to_string(now.st_size),
         "run this again when nothing writes to the file any more");
}

InputFile open_input(const fs::path& path, const std::string& expected) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) refuse_unopened(path, expected);
  InputFile file(path, descriptor);
  if (S_ISREG(file.status().st_mode)) return file;
  if (S_ISDIR(file.status().st_mode))
    refuse(path, "this is a folder, " + expected + " is expected", "name a file inside it");
  refuse(path, "this is a pipe or a device, " + expected + " is expected",
         "write what comes out of it to a file, and name that");
}

}  // namespace ziplora
