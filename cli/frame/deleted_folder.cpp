// Lets the program start in a folder that has been deleted. MKL, which comes with LibTorch, asks for the current
// folder while it is loaded, and ends the process if there is none. So the process is elsewhere until the libraries
// are there, and back before anything of ours runs. Part of each program, not of a library, which would be linked
// without it.
#include <fcntl.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

// The sanitizers' own start comes no earlier.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
namespace {

int folder = -1;

void leave_deleted_folder() {
  char path[PATH_MAX];
  if (::getcwd(path, sizeof(path)) != nullptr) return;
  folder = ::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0 && ::chdir("/") != 0) ::_exit(EXIT_FAILURE);
}

// Before the constructors of all libraries.
[[gnu::section(".preinit_array"), gnu::used]] void (*const leave)() = leave_deleted_folder;

// After them. What is written into "." fails as it should, and does not end up in "/".
[[gnu::constructor]] void return_to_deleted_folder() {
  if (folder < 0) return;
  if (::fchdir(folder) != 0) ::_exit(EXIT_FAILURE);
  ::close(folder);
}

}  // namespace
#endif
