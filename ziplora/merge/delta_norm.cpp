#include "ziplora/merge/delta_norm.h"

#include <ATen/TensorOperators.h>

namespace ziplora {

double squared_norm(const LoraLayer& layer) {
  const at::Tensor up = layer.up.flatten(1).to(at::kDouble), down = layer.down.flatten(1).to(at::kDouble);
  return layer.scale() * layer.scale() * (up.t().matmul(up) * down.matmul(down.t())).sum().item<double>();
}

}  // namespace ziplora
