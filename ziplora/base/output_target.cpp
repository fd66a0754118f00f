#include "ziplora/base/output_target.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "ziplora/base/error.h"
#include "ziplora/base/write_failure.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLinks = 40;  // as Linux has it

[[noreturn]] void refuse_output(const fs::path& path, const std::string& problem, const std::string& hint) {
  throw Error(ErrorKind::kUsage, "write " + path.string(), problem, hint);
}

}  // namespace

fs::path OutputTarget::folder() const { return path.has_parent_path() ? path.parent_path() : "."; }

fs::path OutputTarget::storage_folder() const {
  std::error_code missing;
  return is_stream ? fs::temp_directory_path(missing) : folder();
}

void require_folder(const fs::path& folder, const fs::path& output) {
  std::error_code unseen;
  if (fs::is_directory(folder, unseen)) return;
  if (unseen && unseen != std::errc::no_such_file_or_directory)
    throw_write_failure("cannot look into " + folder.string(), output, unseen.value());
  throw Error(ErrorKind::kFailed, "write " + output.string(),
              "the folder " + folder.string() + " does not exist", "mkdir -p " + folder.string());
}

fs::path follow_links(const fs::path& path) {
  fs::path current = path.has_filename() ? path : path.parent_path();
  for (int links = 0; links < kMostLinks; ++links) {
    std::error_code no_link;
    const fs::path next = fs::read_symlink(current, no_link);
    if (no_link) return current;
    current = current.parent_path() / next;  // an absolute path replaces all before it
  }
  throw_write_failure("the links cannot be followed", path, ELOOP);
}

OutputTarget find_output_target(const fs::path& path) {
  if (path.empty()) refuse_output(path, "the name of the output is empty", "name a file, for example ./NAME");
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  const int code = exists ? 0 : errno;
  if (!path.has_filename() || (exists && S_ISDIR(status.st_mode)))
    refuse_output(path, "this is a folder, a file name is expected",
                  "name a file in it: " + (path / "NAME").string());
  if (exists && (S_ISBLK(status.st_mode) || S_ISSOCK(status.st_mode)))
    refuse_output(path,
                  S_ISBLK(status.st_mode) ? "this is a disk, a file name is expected"
                                          : "this is a socket, a file name is expected",
                  "choose another name for the output");
  // By their own name: /dev/stdout may lead to pipe:[4711], which is no path.
  if (exists && !S_ISREG(status.st_mode)) {
    if (::access(path.c_str(), W_OK) != 0) throw_write_failure("opening failed", path, errno);
    return {path, true, std::nullopt};
  }
  if (code == ENAMETOOLONG || code == ELOOP) throw_write_failure("the path cannot be used", path, code);
  OutputTarget target{follow_links(path)};
  if (exists) target.mode = status.st_mode & 0777;
  require_folder(target.folder(), path);
  return target;
}

}  // namespace ziplora
