#pragma once
/// “Did you mean …?” for names that come from a table: schedulers, merge methods, formats, readings.
///
///     throw unknown_name("generate: --scheduler", "eular", {"ddim", "euler"});   // … did you mean 'euler'?

#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/error.h"

namespace ziplora {

/// The known name with the least edit distance (a swap of neighbours counts one), if it is near enough to be
/// a slip of the finger: at most a third of the name's length, at least one edit.
std::optional<std::string> nearest_name(const std::string& name, const std::vector<std::string>& known);

/// @return Error(kUsage) that lists the known names and proposes the nearest one
Error unknown_name(const std::string& where, const std::string& name, const std::vector<std::string>& known);

}  // namespace ziplora
