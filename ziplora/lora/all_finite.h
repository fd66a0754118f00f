#pragma once
/// Whether a tensor is free of NaN and Inf, in one pass over its bits. at::isfinite makes three tensors of
/// its size; for a file of half precision that takes longer than everything else done to it.
///
///     if (!all_finite(factor)) …

#include <ATen/core/Tensor.h>

namespace ziplora {

/// @param values  any floating dtype, any strides
bool all_finite(const at::Tensor& values);

}  // namespace ziplora
