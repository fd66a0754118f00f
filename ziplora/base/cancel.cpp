#include "ziplora/base/cancel.h"

#include "ziplora/base/error.h"

namespace ziplora {

void CancelToken::throw_if_cancelled(const std::string& operation, const std::string& hint) const {
  if (cancelled()) throw Error(ErrorKind::kInterrupted, operation, "interrupted; no file was changed", hint);
}

}  // namespace ziplora
