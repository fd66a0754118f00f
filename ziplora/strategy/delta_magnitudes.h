#pragma once
/// How large the elements of a layer's ΔW are: their sum, and the sum of the largest.
///
///     const DeltaMagnitudes size = delta_magnitudes(layer, 64);
///     size.sum;   // Σ |ΔW|
///     size.top;   // Σ of the 64 largest |ΔW|

#include <cstdint>

#include "ziplora/lora/adapter.h"

namespace ziplora {

struct DeltaMagnitudes {
  double sum, top;
};

/// Builds ΔW in float32, a block of rows at a time.
/// @param layer  of a linear layer
/// @param count  at most the number of elements counts
DeltaMagnitudes delta_magnitudes(const LoraLayer& layer, int64_t count);

}  // namespace ziplora
