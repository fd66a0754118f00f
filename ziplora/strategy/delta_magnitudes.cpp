#include "ziplora/strategy/delta_magnitudes.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <algorithm>

namespace ziplora {
namespace {

constexpr int64_t kBlockElements = int64_t{1} << 20;  // 4 MB of float32

}  // namespace

DeltaMagnitudes delta_magnitudes(const LoraLayer& layer, int64_t count) {
  const at::Tensor down = layer.down.to(at::kFloat), up = layer.up.to(at::kFloat) * layer.scale();
  const int64_t rows = up.size(0), block = std::max<int64_t>(1, kBlockElements / down.size(1));
  DeltaMagnitudes found{0, 0};
  at::Tensor largest;
  for (int64_t row = 0; row < rows; row += block) {
    at::Tensor values = up.narrow(0, row, std::min(block, rows - row)).matmul(down).abs().flatten();
    found.sum += values.sum(at::kDouble).item<double>();
    if (largest.defined()) values = at::cat({largest, values});
    largest = std::get<0>(values.topk(std::min(count, values.size(0)), -1, /*largest=*/true,
                                      /*sorted=*/false));
  }
  found.top = largest.sum(at::kDouble).item<double>();
  return found;
}

}  // namespace ziplora
