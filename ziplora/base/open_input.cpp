#include "ziplora/base/open_input.h"

#include <fcntl.h>

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

}  // namespace

int open_input(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (descriptor >= 0) return descriptor;
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
    case ENAMETOOLONG:
      refuse(path, "the name is longer than this file system allows", "check the spelling of the path");
    default:
      refuse(path, std::string("cannot be opened: ") + std::strerror(code), "check the path and the disk");
  }
}

}  // namespace ziplora
