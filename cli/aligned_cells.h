#pragma once
/// Cells in columns as wide as their longest one.
///
///     aligned_cells({{"contender", "likeness"}, {"ssr", "0.59"}});   // "  contender  likeness\n  ssr        0.59\n"

#include <string>
#include <vector>

namespace ziplora::cli {

using Cells = std::vector<std::vector<std::string>>;

/// @param cells  rows of the same length, at least one
std::string aligned_cells(const Cells& cells);

}  // namespace ziplora::cli
