#include "ziplora/base/folder_lock.h"

#include "ziplora/base/error.h"

namespace ziplora {

FolderLock::FolderLock(const std::filesystem::path& folder, const std::string& hint)
    : lock_(folder / ".lock") {
  if (lock_.take() == FileLock::kHeldByAnother)
    throw Error(ErrorKind::kFailed, "use the folder " + folder.string(),
                lock_.holder() + " is working in it, and two would mix their files", hint);
}

}  // namespace ziplora
