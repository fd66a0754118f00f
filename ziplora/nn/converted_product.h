#pragma once
/// Products with a frozen weight that is stored in another dtype than the activations: a bfloat16 or float16
/// base, memory-mapped as it lies in its file, under float32 activations on a machine without native support
/// for its dtype. The weight is converted for the one product, forward and again backward, and never kept, so
/// memory stays at the stored weights plus one layer (a converted copy in the graph would cost twice the
/// stored weights again).
///
///     y = linear_converted(x, weight, bias);   // x float32, weight bfloat16; gradient for x only
///
/// Accumulates in the activations' dtype: equal to converting the whole model, bit for bit.

#include <ATen/core/Tensor.h>

namespace ziplora {

/// @param x       [B, …, in]
/// @param weight  [out, in], frozen
/// @param bias    [out], frozen, or undefined
/// @throws Error(kInternal) if weight or bias requires gradient
at::Tensor linear_converted(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// @param x  [B, in, H, W]; stride and padding are the same in both directions
/// @throws as above
at::Tensor conv2d_converted(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            int64_t stride, int64_t padding);

}  // namespace ziplora
