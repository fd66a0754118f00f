#include "ziplora/nn/normalization.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>

#include "ziplora/nn/initialization.h"
#include "ziplora/nn/row_wise_vector.h"

namespace ziplora {
namespace {

/// x · weight + bias, where either may be [n] or [B, n].
at::Tensor with_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     int64_t channel_dim) {
  const auto rows = [&](const at::Tensor& vector) {
    return over_channels(is_row_wise(vector) ? vector : vector.unsqueeze(0), x, channel_dim);
  };
  return x * rows(weight) + rows(bias);
}

}  // namespace

GroupNorm::GroupNorm(int64_t num_groups, int64_t num_channels, double eps)
    : num_groups_(num_groups), num_channels_(num_channels), eps_(eps) {
  register_parameter("weight", weight, {num_channels});
  register_parameter("bias", bias, {num_channels});
}

at::Tensor GroupNorm::forward(const at::Tensor& x) const {
  if (is_row_wise(weight) || is_row_wise(bias))
    return with_rows(at::group_norm(x, num_groups_, {}, {}, eps_), weight, bias, 1);
  // If the base is stored in another dtype, the two vectors are converted and x is not.
  return at::group_norm(x, num_groups_, weight.to(x.scalar_type()), bias.to(x.scalar_type()), eps_);
}

void GroupNorm::reset_parameters(at::Generator) {
  fill_constant(weight, {num_channels_}, 1);
  fill_constant(bias, {num_channels_}, 0);
}

LayerNorm::LayerNorm(int64_t size, double eps) : size_(size), eps_(eps) {
  register_parameter("weight", weight, {size});
  register_parameter("bias", bias, {size});
}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  if (is_row_wise(weight) || is_row_wise(bias))
    return with_rows(at::layer_norm(x, {size_}, {}, {}, eps_), weight, bias, x.dim() - 1);
  return at::layer_norm(x, {size_}, weight.to(x.scalar_type()), bias.to(x.scalar_type()), eps_);
}

void LayerNorm::reset_parameters(at::Generator) {
  fill_constant(weight, {size_}, 1);
  fill_constant(bias, {size_}, 0);
}

}  // namespace ziplora
