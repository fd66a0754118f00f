#include "ziplora/base/write_failure.h"

#include <cerrno>
#include <cstring>

#include "ziplora/base/error.h"

namespace ziplora {

void throw_write_failure(const std::string& what, const std::filesystem::path& path, int code) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  throw Error(full ? ErrorKind::kExhausted : ErrorKind::kFailed, "write " + path.string(),
              what + ": " + std::strerror(code),
              full ? "free some space, or write to another disk" : "choose a folder that you can write to");
}

}  // namespace ziplora
