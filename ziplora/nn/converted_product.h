#pragma once
/// Products with a frozen weight whose dtype differs from that of the activations: a memory-mapped bfloat16
/// or float16 base under float32 activations, on a machine without native support for the stored dtype. The
/// weight is converted for each product, forward and backward, and the copy is dropped. So memory stays at
/// the stored weights plus one layer; converted copies in the graph would need twice the stored weights in
/// addition.
///
///     at::Tensor y = linear_converted(x, weight, bias);  // x float32, weight bfloat16; gradient for x only
///
/// Accumulates in the dtype of the activations, which equals converting the whole model, bit for bit.

#include <ATen/core/Tensor.h>

namespace ziplora {

/// @param x       [B, …, in]
/// @param weight  [out, in], frozen
/// @param bias    [out], frozen, or undefined
/// @throws Error(kInternal) if weight or bias requires gradient
at::Tensor linear_converted(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// @param x  [B, in, H, W]; stride and padding are the same in both directions
/// @throws as linear_converted
at::Tensor conv2d_converted(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            int64_t stride, int64_t padding);

}  // namespace ziplora
