#include "ziplora/base/error.h"

#include "ziplora/base/printable.h"

namespace ziplora {

Error::Error(ErrorKind kind, std::string where, std::string problem, std::string hint)
    : std::runtime_error(printable(where) + ": " + printable(problem)),
      kind_(kind),
      where_(printable(where)),
      problem_(printable(problem)),
      hint_(printable(hint)) {}

}  // namespace ziplora
