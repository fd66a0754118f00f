#include "ziplora/analyze/input_effects.h"

#include <ATen/TensorOperators.h>

#include "ziplora/analyze/column_products.h"

namespace ziplora {

double effect_product(const LoraLayer& a, const LoraLayer& b, const at::Tensor& moments) {
  const ColumnFactors left = factors_of(a), right = factors_of(b);
  const at::Tensor passed = left.down.matmul(moments).matmul(right.down.t());
  return (left.up.t().matmul(right.up) * passed).sum().item<double>();
}

double squared_output(const at::Tensor& weight, const at::Tensor& moments) {
  const at::Tensor w = weight.to(at::kCPU, at::kFloat);
  return (w.matmul(moments.to(at::kFloat)) * w).sum(at::kDouble).item<double>();
}

}  // namespace ziplora
