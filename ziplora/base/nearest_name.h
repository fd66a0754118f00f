#pragma once
/// “Did you mean …?” for names that come from a table: schedulers, merge methods, formats, readings.
///
///     throw unknown_name("generate: --scheduler", "eular", {"ddim", "euler"});  // did you mean 'euler'?

#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/error.h"

namespace ziplora {

/// The known name with the smallest edit distance, where a swap of neighbours counts as one edit. It must be
/// near enough to be a typing error: within a third of the name's length, or one edit.
std::optional<std::string> nearest_name(const std::string& name, const std::vector<std::string>& known);

/// @return Error(kUsage) that lists the known names, with the nearest one in its hint
Error unknown_name(const std::string& where, const std::string& name, const std::vector<std::string>& known);

}  // namespace ziplora
