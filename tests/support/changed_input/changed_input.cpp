// Preloaded into a program, it changes the file ZIPLORA_CHANGED_INPUT right after the program has mapped it, in the way
// that ZIPLORA_CHANGE names: "truncate" cuts it to half its length, "rewrite" flips its last byte in place, "replace"
// puts a copy under its name, "touch" gives it another mode. So a test need not guess a moment.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using Map = void* (*)(void*, size_t, int, int, int, off_t);

bool is_the_input(int descriptor, const char* path) {
  struct stat mapped {
  }, named{};
  return descriptor >= 0 && ::fstat(descriptor, &mapped) == 0 && ::stat(path, &named) == 0 &&
         mapped.st_dev == named.st_dev && mapped.st_ino == named.st_ino;
}

int rewrite_last_byte(const char* path) {
  const int file = ::open(path, O_RDWR);
  const off_t last = ::lseek(file, -1, SEEK_END);
  char byte = 0;
  if (::pread(file, &byte, 1, last) != 1) return -1;
  byte = static_cast<char>(byte ^ 1);
  const bool written = ::pwrite(file, &byte, 1, last) == 1;
  return ::close(file) == 0 && written ? 0 : -1;
}

int replace(const char* path, const void* content, size_t size_bytes) {
  char other[4096];
  std::snprintf(other, sizeof other, "%s.other", path);
  const int file = ::open(other, O_WRONLY | O_CREAT, 0644);
  const bool written = ::write(file, content, size_bytes) == static_cast<ssize_t>(size_bytes);
  return ::close(file) == 0 && written ? ::rename(other, path) : -1;
}

int change(const char* path, std::string_view how, const void* content, size_t size_bytes) {
  if (how == "truncate") return ::truncate(path, static_cast<off_t>(size_bytes / 2));
  if (how == "rewrite") return rewrite_last_byte(path);
  if (how == "replace") return replace(path, content, size_bytes);
  return ::chmod(path, 0640);
}

}  // namespace

extern "C" void* mmap(void* at, size_t size_bytes, int protection, int flags, int descriptor, off_t offset) {
  static const auto original = reinterpret_cast<Map>(::dlsym(RTLD_NEXT, "mmap"));
  static bool done = false;
  void* const address = original(at, size_bytes, protection, flags, descriptor, offset);
  const char* const path = std::getenv("ZIPLORA_CHANGED_INPUT");
  if (done || path == nullptr || !is_the_input(descriptor, path)) return address;
  done = true;
  if (change(path, std::getenv("ZIPLORA_CHANGE"), address, size_bytes) != 0) std::perror("changed_input");
  return address;
}
