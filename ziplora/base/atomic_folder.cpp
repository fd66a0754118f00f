#include "ziplora/base/atomic_folder.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "ziplora/base/error.h"

namespace ziplora {
namespace fs = std::filesystem;

AtomicFolder::AtomicFolder(const fs::path& path) : path_(path.has_filename() ? path : path.parent_path()) {
  const std::string where = "write " + path_.string();
  const fs::path above = path_.has_parent_path() ? path_.parent_path() : ".";
  if (fs::exists(path_) && !(fs::is_directory(path_) && fs::is_empty(path_)))
    throw Error(ErrorKind::kUsage, where, "the output is there already, and a folder is not overwritten",
                "choose another name with -o, or remove it");
  if (!fs::is_directory(above))
    throw Error(ErrorKind::kFailed, where, "the folder " + above.string() + " does not exist",
                "mkdir -p " + above.string());
  std::string pattern = path_.string() + ".XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr)
    throw Error(ErrorKind::kFailed, where,
                "cannot create a folder in " + above.string() + ": " + std::strerror(errno),
                "choose a folder you can write to with -o");
  ::chmod(pattern.c_str(), 0755);
  part_path_ = pattern;
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;  // what cannot be removed is the user's to clean
  if (!part_path_.empty()) fs::remove_all(part_path_, ignored);
}

void AtomicFolder::commit() {
  std::error_code failure;
  fs::rename(part_path_, path_, failure);  // replaces an empty folder
  if (failure)
    throw Error(ErrorKind::kFailed, "write " + path_.string(), "renaming failed: " + failure.message(),
                "choose a name that is free, in a folder you can write to, with -o");
  part_path_.clear();
}

}  // namespace ziplora
