#pragma once
/// Whether a tensor is free of NaN and Inf, in one pass over its bits: at::isfinite makes three tensors of
/// its size, which for a file of half precision takes longer than all else that is done to it.
///
///     if (!all_finite(factor)) …

#include <ATen/core/Tensor.h>

namespace ziplora {

/// @param values  any floating dtype, any strides
bool all_finite(const at::Tensor& values);

}  // namespace ziplora
