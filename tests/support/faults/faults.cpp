// A library to preload into a program under test: the n-th call of one function of libc fails as a full disk, a
// broken one or a lack of memory makes it fail. tests/torture/test_faults.py tries every n.
//
//     LD_PRELOAD=build/libfaults.so ZIPLORA_FAULT=write:3:ENOSPC ZIPLORA_FAULT_FOLDER=/tmp/x build/ziplora …
//
// Functions: open read write fsync rename mmap malloc. Faults: ENOSPC EIO EACCES ENOMEM EINTR, and `short`, which
// moves one byte (read, write). Files count below ZIPLORA_FAULT_FOLDER alone, so that n means the program's own
// files and not the libraries that the loader opens. Allocations count from 64 KiB on: smaller ones are the standard
// library's own, whose failure no program survives in an orderly way. The fault that came about is told by an empty
// file ZIPLORA_FAULT_FOLDER/fault.fired, so that a caller knows when n is past the last call.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t kLargeAllocation = 64 << 10;
constexpr int kShort = -1;

struct Fault {
  char function[16] = "";
  long place = 0;  // 1 is the first call
  int error = 0;
  char folder[PATH_MAX] = "";
  size_t folder_size = 0;
};

int error_of(const char* name) {
  const struct {
    const char* name;
    int error;
  } errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO},     {"EACCES", EACCES},
                {"ENOMEM", ENOMEM}, {"EINTR", EINTR}, {"short", kShort}};
  for (const auto& one : errors)
    if (std::strcmp(one.name, name) == 0) return one.error;
  std::fprintf(stderr, "faults: no fault '%s'\n", name);
  std::abort();
}

Fault asked_for() {
  Fault fault;
  const char* text = std::getenv("ZIPLORA_FAULT");
  const char* folder = std::getenv("ZIPLORA_FAULT_FOLDER");
  char name[16] = "";
  if (text == nullptr || folder == nullptr) return fault;
  if (std::sscanf(text, "%15[a-z]:%ld:%15s", fault.function, &fault.place, name) != 3) std::abort();
  fault.error = error_of(name);
  std::snprintf(fault.folder, sizeof fault.folder, "%s/", folder);
  fault.folder_size = std::strlen(fault.folder);
  return fault;
}

/// Set when the program's libraries have been loaded: their own calls do not count.
const Fault* armed = nullptr;
std::atomic<long> calls{0};

[[gnu::constructor]] void arm() {
  static const Fault fault = asked_for();
  if (fault.place > 0) armed = &fault;
}

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool is_ours(const char* path) {
  char whole[PATH_MAX];
  if (path[0] != '/') {
    if (getcwd(whole, sizeof whole) == nullptr) return false;
    std::strncat(whole, "/", sizeof whole - std::strlen(whole) - 1);
    std::strncat(whole, path, sizeof whole - std::strlen(whole) - 1);
    path = whole;
  }
  return std::strncmp(path, armed->folder, armed->folder_size) == 0;
}

bool is_ours(int file) {
  char link[64], path[PATH_MAX];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return false;
  path[size] = '\0';
  return is_ours(path);
}

/// @return the fault to make now: 0 for none, an errno, or kShort
int due(const char* function) {
  if (std::strcmp(function, armed->function) != 0 || ++calls != armed->place) return 0;
  char file[PATH_MAX + 16];
  std::snprintf(file, sizeof file, "%sfault.fired", armed->folder);
  static const auto open_file = real<int (*)(const char*, int, ...)>("open");
  close(open_file(file, O_CREAT | O_WRONLY, 0600));
  if (armed->error != kShort) errno = armed->error;
  return armed->error;
}

template <class Where>
int due(const char* function, Where where) {
  return armed != nullptr && std::strcmp(function, armed->function) == 0 && is_ours(where) ? due(function)
                                                                                           : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  static const auto call = real<int (*)(const char*, int, ...)>("open");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return due("open", path) ? -1 : call(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open(path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  static const auto call = real<int (*)(int, const char*, int, ...)>("openat");
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return due("open", path) ? -1 : call(folder, path, flags, mode);
}

ssize_t read(int file, void* bytes, size_t size) {
  static const auto call = real<ssize_t (*)(int, void*, size_t)>("read");
  const int fault = due("read", file);
  return fault == kShort ? call(file, bytes, std::min<size_t>(size, 1))
         : fault         ? -1
                         : call(file, bytes, size);
}

ssize_t pread(int file, void* bytes, size_t size, off_t offset) {
  static const auto call = real<ssize_t (*)(int, void*, size_t, off_t)>("pread");
  const int fault = due("read", file);
  return fault == kShort ? call(file, bytes, std::min<size_t>(size, 1), offset)
         : fault         ? -1
                         : call(file, bytes, size, offset);
}

ssize_t write(int file, const void* bytes, size_t size) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t)>("write");
  const int fault = due("write", file);
  return fault == kShort ? call(file, bytes, std::min<size_t>(size, 1))
         : fault         ? -1
                         : call(file, bytes, size);
}

ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
  static const auto call = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  const int fault = due("write", file);
  return fault == kShort ? call(file, bytes, std::min<size_t>(size, 1), offset)
         : fault         ? -1
                         : call(file, bytes, size, offset);
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
  return pwrite(file, bytes, size, offset);
}
ssize_t pread64(int file, void* bytes, size_t size, off64_t offset) {
  return pread(file, bytes, size, offset);
}

int fsync(int file) {
  static const auto call = real<int (*)(int)>("fsync");
  return due("fsync", file) ? -1 : call(file);
}

int rename(const char* from, const char* to) {
  static const auto call = real<int (*)(const char*, const char*)>("rename");
  return due("rename", to) ? -1 : call(from, to);
}

void* mmap(void* address, size_t size, int protection, int flags, int file, off_t offset) {
  static const auto call = real<void* (*)(void*, size_t, int, int, int, off_t)>("mmap");
  if (file >= 0 && due("mmap", file)) return MAP_FAILED;
  return call(address, size, protection, flags, file, offset);
}

void* mmap64(void* address, size_t size, int protection, int flags, int file, off64_t offset) {
  return mmap(address, size, protection, flags, file, offset);
}

int posix_memalign(void** memory, size_t alignment, size_t size) {
  static const auto call = real<int (*)(void**, size_t, size_t)>("posix_memalign");
  if (armed != nullptr && size >= kLargeAllocation && due("malloc")) return ENOMEM;
  return call(memory, alignment, size);
}

void* malloc(size_t size) noexcept {
  static const auto call = real<void* (*)(size_t)>("malloc");
  if (armed != nullptr && size >= kLargeAllocation && due("malloc")) return nullptr;
  return call(size);
}
}
