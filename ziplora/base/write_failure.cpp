#include "ziplora/base/write_failure.h"

#include <cerrno>
#include <cstring>

#include "ziplora/base/error.h"

namespace ziplora {

void throw_write_failure(const std::string& what, const std::filesystem::path& path, int code,
                         const std::string& place) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  std::string hint =
      full ? "free some space, or write to another disk" : "choose a folder that you can write to";
  if (code == EFBIG)
    hint =
        "raise the limit on the size of files (see 'ulimit -f'), or write to a disk that takes larger ones";
  if (code == ENAMETOOLONG || code == ELOOP) hint = "check the path, or choose a shorter name";
  throw Error(full ? ErrorKind::kExhausted : ErrorKind::kFailed, "write " + path.string(),
              what + ": " + std::strerror(code), place.empty() ? hint : hint + " with " + place);
}

}  // namespace ziplora
