#pragma once
/// A bias or a norm's weight that differs between the rows of a batch: [B, n] where the layer has [n].
/// Adapters that change such vectors replace the parameter while they are attached (lora/attach.h), so that
/// each row can weigh each adapter independently, as adapter_slot.h allows for matrices.
///
///     if (is_row_wise(bias)) y = y + over_channels(bias, y, /*channel_dim=*/1);

#include <ATen/core/Tensor.h>

namespace ziplora {

inline bool is_row_wise(const at::Tensor& vector) { return vector.defined() && vector.dim() == 2; }

/// [B, n] as [B, 1, …, n, …, 1] in x's dtype, with n at `channel_dim` of x.
inline at::Tensor over_channels(const at::Tensor& vector, const at::Tensor& x, int64_t channel_dim) {
  std::vector<int64_t> shape(x.dim(), 1);
  shape.front() = vector.size(0);
  shape[channel_dim] = vector.size(1);
  return vector.to(x.scalar_type()).view(shape);
}

}  // namespace ziplora
