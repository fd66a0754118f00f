#include "ziplora/nn/conv2d.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>

#include "ziplora/nn/converted_product.h"
#include "ziplora/nn/initialization.h"
#include "ziplora/nn/row_wise_vector.h"

namespace ziplora {

Conv2d::Conv2d(Options o) : options(o) {
  register_parameter("weight", weight, {o.out_channels, o.in_channels, o.kernel_size, o.kernel_size});
  register_parameter("bias", bias, {o.out_channels});
}

at::Tensor Conv2d::product(const at::Tensor& x, const at::Tensor& shared_bias) const {
  const int64_t stride = options.stride, padding = options.padding;
  if (weight.scalar_type() != x.scalar_type())
    return conv2d_converted(x, weight, shared_bias, stride, padding);
  if (auto y = packed_.forward(x, weight, shared_bias, stride, padding)) return *y;
  return at::conv2d(x, weight, shared_bias, std::vector<int64_t>(2, stride),
                    std::vector<int64_t>(2, padding));
}

at::Tensor Conv2d::forward(const at::Tensor& x) const {
  const std::vector<int64_t> stride(2, options.stride), padding(2, options.padding);
  const bool row_wise = is_row_wise(bias);
  const at::Tensor shared_bias = row_wise ? at::Tensor() : bias;
  at::Tensor y = product(x, shared_bias);
  if (row_wise) y = y + over_channels(bias, y, 1);
  if (adapter.empty()) return y;
  const LowRankUpdate update = adapter.update().as(x.scalar_type());
  at::Tensor h = at::conv2d(x, update.down, {}, stride, padding);  // [B, R, H', W']
  adapter.show(x, h);
  if (update.row_gate.defined()) h = h * update.row_gate.view({h.size(0), h.size(1), 1, 1});
  return y.add_(at::conv2d(h, update.up));  // in place: no backward formula needs the product's result
}

void Conv2d::reset_parameters(at::Generator generator) {
  const int64_t k = options.kernel_size, fan_in = options.in_channels * k * k;
  fill_uniform_fan_in(weight, {options.out_channels, options.in_channels, k, k}, fan_in, generator);
  fill_uniform_fan_in(bias, {options.out_channels}, fan_in, generator);
}

}  // namespace ziplora
