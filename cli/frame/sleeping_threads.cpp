#include "cli/frame/sleeping_threads.h"

#include <alloca.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "cli/frame/deleted_folder.h"

// Runs before libraries are initialised, sanitizers among them: no calls into any but for plain system calls.
#if defined(__clang__)
#define ZIPLORA_BEFORE_LIBRARIES \
  __attribute__((no_sanitize("address", "undefined", "thread"), no_stack_protector))
#else
#define ZIPLORA_BEFORE_LIBRARIES                                                          \
  __attribute__((no_sanitize("address"), no_sanitize("undefined"), no_sanitize("thread"), \
                 optimize("no-tree-loop-distribute-patterns")))
#endif

namespace ziplora::cli {
namespace {

/// Up to and with "=".
ZIPLORA_BEFORE_LIBRARIES bool sets_the_same(const char* entry) {
  for (const char* wanted = kSpinSetting;; ++entry, ++wanted) {
    if (*entry != *wanted) return false;
    if (*wanted == '=') return true;
  }
}

ZIPLORA_BEFORE_LIBRARIES bool is_the_setting(const char* entry) {
  for (const char* wanted = kSpinSetting;; ++entry, ++wanted) {
    if (*entry != *wanted) return false;
    if (*wanted == '\0') return true;
  }
}

/// Where it fails, the program runs on as it is.
ZIPLORA_BEFORE_LIBRARIES void start_anew(char** arguments, char** environment) {
  size_t count = 0;
  for (; environment[count] != nullptr; ++count) {
    if (!sets_the_same(environment[count])) continue;
    if (is_the_setting(environment[count])) return;  // also the second time
    break;
  }
  for (; environment[count] != nullptr; ++count) {
  }
  auto** changed = static_cast<const char**>(alloca((count + 2) * sizeof(char*)));
  size_t kept = 0;
  changed[kept++] = kSpinSetting;
  for (size_t i = 0; i < count; ++i)
    if (!sets_the_same(environment[i])) changed[kept++] = environment[i];
  changed[kept] = nullptr;
  // By its own path, for the name that ps shows; by the link, where the file was moved or deleted.
  char path[PATH_MAX + 1];
  const long length = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, PATH_MAX);
  if (length > 0) {
    path[length] = '\0';
    syscall(SYS_execve, path, arguments, changed);
  }
  syscall(SYS_execve, "/proc/self/exe", arguments, changed);
}

ZIPLORA_BEFORE_LIBRARIES void before_libraries(int, char** arguments, char** environment) {
  start_anew(arguments, environment);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose own start comes no earlier
  leave_deleted_folder();
#endif
}

/// Called before the constructors of the libraries; only programs have this section.
__attribute__((section(".preinit_array"), used)) void (*const kBeforeLibraries)(int, char**,
                                                                                char**) = before_libraries;

}  // namespace

bool threads_sleep_while_they_wait() {
  const std::string_view setting = kSpinSetting;
  const size_t equals = setting.find('=');
  const char* value = std::getenv(std::string(setting.substr(0, equals)).c_str());
  return value != nullptr && setting.substr(equals + 1) == value;
}

}  // namespace ziplora::cli
