#pragma once
/// `--ignore-unused`, for every verb that reads adapters to use them.
///
///     read_adapter(file, names, warnings, weights, ignore_unused(request.ignore_unused));

#include "ziplora/lora/adapter_file.h"

namespace ziplora {

inline UnusedKeys ignore_unused(bool ignore) {
  return {.leave_out = ignore, .how_to_ask = "; or add --ignore-unused to leave them out"};
}

}  // namespace ziplora
