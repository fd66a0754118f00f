#include "ziplora/base/read_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "ziplora/base/error.h"
#include "ziplora/base/open_input.h"

namespace ziplora {
namespace {

struct Descriptor {
  int value;
  ~Descriptor() { ::close(value); }
};

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& problem,
                       const std::string& hint) {
  throw Error(ErrorKind::kInput, "read " + path.string(), problem, hint);
}

}  // namespace

std::string read_file(const std::filesystem::path& path, uint64_t size_limit_bytes) {
  const Descriptor file{open_input(path)};
  struct stat status {};
  if (::fstat(file.value, &status) == 0 && S_ISDIR(status.st_mode))
    fail(path, "this is a folder, a file is expected", "name a file inside it");

  std::string content;
  if (S_ISREG(status.st_mode) && static_cast<uint64_t>(status.st_size) <= size_limit_bytes)
    content.reserve(static_cast<size_t>(status.st_size));
  char block[1 << 16];
  for (;;) {
    const ssize_t got = ::read(file.value, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, std::string("reading failed: ") + std::strerror(errno), "check the disk");
    if (got == 0) return content;
    if (content.size() + static_cast<size_t>(got) > size_limit_bytes)
      fail(path,
           "the file is larger than " + std::to_string(size_limit_bytes) + " bytes, too large for its kind",
           "check that this is the right file");
    content.append(block, static_cast<size_t>(got));
  }
}

}  // namespace ziplora
