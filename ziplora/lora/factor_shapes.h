#pragma once
/// The shapes of a layer's factors, wherever they are made or checked. Of a linear weight [out, in]: down
/// [rank, in], up [out, rank]; of a convolution's [out, in, kh, kw]: down [rank, in, kh, kw], up [out, rank,
/// 1, 1].
///
///     const FactorShapes needed = factor_shapes(weight.sizes(), rank);
///     if (!factors_fit(layer, weight.sizes())) …

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ziplora/lora/adapter.h"

namespace ziplora {

struct FactorShapes {
  std::vector<int64_t> down, up;
};

/// @param weight_shape  of the base: 2 or 4 dimensions
FactorShapes factor_shapes(at::IntArrayRef weight_shape, int64_t rank);

/// Whether both factors have the shapes that a weight of this shape needs, at the rank of `down`.
bool factors_fit(const LoraLayer& layer, at::IntArrayRef weight_shape);

/// "down [8, 640] and up [640, 8]", for messages.
std::string describe_shapes(const LoraLayer& layer);

}  // namespace ziplora
