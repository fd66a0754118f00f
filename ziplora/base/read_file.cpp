#include "ziplora/base/read_file.h"

#include "ziplora/base/error.h"
#include "ziplora/base/open_input.h"

namespace ziplora {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& problem,
                       const std::string& hint) {
  throw Error(ErrorKind::kInput, "read " + path.string(), problem, hint);
}

}  // namespace

std::string read_file(const std::filesystem::path& path, uint64_t size_limit_bytes) {
  const InputFile file = open_input(path);
  std::string content;
  if (file.size_bytes() <= size_limit_bytes) content.reserve(file.size_bytes());
  char block[1 << 16];
  while (const size_t got = file.read(block, sizeof block)) {
    if (content.size() + got > size_limit_bytes)
      fail(path,
           "the file is larger than " + std::to_string(size_limit_bytes) + " bytes, too large for its kind",
           "check that this is the right file");
    content.append(block, got);
  }
  return content;
}

}  // namespace ziplora
