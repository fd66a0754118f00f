#include "ziplora/base/error.h"

namespace ziplora {

Error::Error(ErrorKind kind, std::string where, std::string problem, std::string hint)
    : std::runtime_error(where + ": " + problem),
      kind_(kind),
      where_(std::move(where)),
      problem_(std::move(problem)),
      hint_(std::move(hint)) {}

}  // namespace ziplora
