#include "ziplora/nn/linear.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>

#include "ziplora/nn/converted_product.h"
#include "ziplora/nn/initialization.h"
#include "ziplora/nn/row_wise_vector.h"

namespace ziplora {

Linear::Linear(int64_t in_features, int64_t out_features, bool with_bias)
    : in_features(in_features), out_features(out_features), with_bias_(with_bias) {
  register_parameter("weight", weight, {out_features, in_features});
  if (with_bias) register_parameter("bias", bias, {out_features});
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  const bool row_wise = is_row_wise(bias);
  const at::Tensor shared_bias = row_wise ? at::Tensor() : bias;
  at::Tensor y = weight.scalar_type() == x.scalar_type() ? at::linear(x, weight, shared_bias)
                                                         : linear_converted(x, weight, shared_bias);
  if (row_wise) y = y + over_channels(bias, y, y.dim() - 1);
  if (adapter.empty()) return y;
  const LowRankUpdate update = adapter.update().as(x.scalar_type());
  at::Tensor h = at::linear(x, update.down);  // [B, …, R]
  adapter.show(x, h);
  if (update.row_gate.defined()) {
    std::vector<int64_t> shape(h.dim(), 1);  // [B, 1, …, R]
    shape.front() = h.size(0);
    shape.back() = h.size(-1);
    h = h * update.row_gate.view(shape);
  }
  return y.add_(at::linear(h, update.up));  // in place: no backward formula needs the product's result
}

void Linear::reset_parameters(at::Generator generator) {
  fill_uniform_fan_in(weight, {out_features, in_features}, in_features, generator);
  if (with_bias_) fill_uniform_fan_in(bias, {out_features}, in_features, generator);
}

}  // namespace ziplora
