#pragma once
/// What programs call an error's kind, beside its exit code: `kind` of the error that --json prints.
///
///     error_kind_name(ErrorKind::kNonFinite)   // "non-finite"

#include "ziplora/base/error.h"

namespace ziplora::cli {

inline const char* error_kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kFailed:
      return "failed";
    case ErrorKind::kUsage:
      return "usage";
    case ErrorKind::kInput:
      return "input";
    case ErrorKind::kIncompatible:
      return "incompatible";
    case ErrorKind::kExhausted:
      return "exhausted";
    case ErrorKind::kNonFinite:
      return "non-finite";
    case ErrorKind::kBelowThreshold:
      return "below-threshold";
    case ErrorKind::kInternal:
      return "internal";
    case ErrorKind::kInterrupted:
      return "interrupted";
  }
  return "failed";
}

}  // namespace ziplora::cli
