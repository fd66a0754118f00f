#include "ziplora/nn/normalization.h"

#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>

#include "ziplora/nn/initialization.h"

namespace ziplora {

GroupNorm::GroupNorm(int64_t num_groups, int64_t num_channels, double eps)
    : num_groups_(num_groups), num_channels_(num_channels), eps_(eps) {
  register_parameter("weight", weight, {num_channels});
  register_parameter("bias", bias, {num_channels});
}

at::Tensor GroupNorm::forward(const at::Tensor& x) const {
  // A base stored in another dtype: the two vectors are converted, x is not.
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
  return at::layer_norm(x, {size_}, weight.to(x.scalar_type()), bias.to(x.scalar_type()), eps_);
}

void LayerNorm::reset_parameters(at::Generator) {
  fill_constant(weight, {size_}, 1);
  fill_constant(bias, {size_}, 0);
}

}  // namespace ziplora
