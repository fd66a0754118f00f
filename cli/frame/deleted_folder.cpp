#include "cli/frame/deleted_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

namespace ziplora::cli {
namespace {

int folder = -1;

// After the constructors of all libraries. What is written into "." fails as it should, and does not end up in "/".
[[gnu::constructor]] void return_to_deleted_folder() {
  if (folder < 0) return;
  if (::fchdir(folder) != 0) ::_exit(EXIT_FAILURE);
  ::close(folder);
}

}  // namespace

void leave_deleted_folder() {
  char path[PATH_MAX];
  if (::getcwd(path, sizeof(path)) != nullptr) return;
  folder = ::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0 && ::chdir("/") != 0) ::_exit(EXIT_FAILURE);
}

}  // namespace ziplora::cli
