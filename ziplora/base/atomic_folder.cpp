#include "ziplora/base/atomic_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/base/mapped_input.h"
#include "ziplora/base/output_target.h"
#include "ziplora/base/temporary_part.h"
#include "ziplora/base/write_failure.h"

namespace ziplora {
namespace fs = std::filesystem;

AtomicFolder::AtomicFolder(const fs::path& path, IfThere if_there)
    : path_(follow_links(path)), if_there_(if_there) {
  const std::string where = "write " + path.string();
  if (path_.empty())
    throw Error(ErrorKind::kUsage, where, "the name of the output is empty",
                "name a folder, for example ./NAME");
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  if (!exists && errno == ENAMETOOLONG) throw_write_failure("the path cannot be used", path, errno);
  if (exists && !S_ISDIR(status.st_mode))
    throw Error(ErrorKind::kUsage, where, "a file of this name exists, and the output is a folder",
                "choose another name for the output, or remove it");
  if (if_there == IfThere::kRefuse && exists && !fs::is_empty(path_))
    throw Error(ErrorKind::kUsage, where, "the folder exists and is not empty; it is not overwritten",
                "choose another name for the output, or remove it");
  const fs::path above = OutputTarget{path_}.folder();
  require_folder(above, path);
  TemporaryPart part = make_part_folder(above, path);
  part_path_ = std::move(part.path);
  lock_ = part.descriptor;
  if (exists) ::fchmod(lock_, (status.st_mode & 0777) | S_IRWXU);
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;  // the user has to remove what we cannot
  if (!part_path_.empty()) fs::remove_all(part_path_, ignored);
  ::close(lock_);
}

/// Makes new folders first: if there is no space for them, no file has changed yet.
void AtomicFolder::update() {
  std::vector<fs::path> files;
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(part_path_)) {
    const fs::path name = entry.path().lexically_relative(part_path_);
    if (!entry.is_directory())
      files.push_back(name);
    else if (fs::create_directory(path_ / name, failure); failure)
      throw_write_failure("cannot create the folder", path_ / name, failure.value());
  }
  for (const fs::path& name : files)
    if (fs::rename(part_path_ / name, path_ / name, failure); failure)
      throw_write_failure("renaming failed", path_ / name, failure.value());
  fs::remove_all(part_path_, failure);  // only empty folders are left in it
  part_path_.clear();
}

void AtomicFolder::commit() {
  require_unchanged_inputs();
  if (if_there_ == IfThere::kUpdate && fs::exists(path_) && !fs::is_empty(path_)) return update();
  std::error_code failure;
  fs::rename(part_path_, path_, failure);  // replaces an empty folder
  if (failure)
    throw Error(ErrorKind::kFailed, "write " + path_.string(), "renaming failed: " + failure.message(),
                "choose an unused name in a folder that you can write to");
  part_path_.clear();
}

}  // namespace ziplora
