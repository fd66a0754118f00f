#include "ziplora/merge/dense_delta.h"

#include <ATen/TensorOperators.h>

#include <vector>

namespace ziplora {

at::Tensor dense_delta(const LoraLayer& layer) {
  std::vector<int64_t> shape = layer.down.sizes().vec();
  shape[0] = layer.up.size(0);
  const at::Tensor up = layer.up.to(at::kFloat).flatten(1), down = layer.down.to(at::kFloat).flatten(1);
  return (up.matmul(down) * layer.scale()).view(shape);
}

}  // namespace ziplora
