#include "ziplora/base/write_failure.h"

#include <cerrno>
#include <cstring>

#include "ziplora/base/error.h"

namespace ziplora {

void throw_write_failure(const std::string& what, const std::filesystem::path& path, int code,
                         const std::string& place) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  const std::string hint =
      full ? "free some space, or write to another disk" : "choose a folder that you can write to";
  throw Error(full ? ErrorKind::kExhausted : ErrorKind::kFailed, "write " + path.string(),
              what + ": " + std::strerror(code), place.empty() ? hint : hint + " with " + place);
}

}  // namespace ziplora
