#pragma once
/// The adapters of a row one at a time, for strategies in which they take turns or draw apart.
///
///     worn_indices({1.0, 0.0, 0.8});        // {0, 2}
///     worn_alone({1.0, 0.0, 0.8}, 1);       // {0, 0, 0.8}

#include <cstddef>
#include <vector>

#include "ziplora/strategy/strategy.h"

namespace ziplora {

/// Those whose strength is not 0, in order.
std::vector<size_t> worn_indices(const Strengths& row);

/// @param which  counts the row's worn adapters, from 0
/// @return the row with the strength of this adapter, and 0 for the others
Strengths worn_alone(const Strengths& row, size_t which);

}  // namespace ziplora
