#include "ziplora/strategy/delta_magnitudes.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <algorithm>

namespace ziplora {
namespace {

constexpr int64_t kBlockElements = int64_t{1} << 18;  // 1 MB of float32, which stays in the cache

/// The `count` largest of both, in any order; `largest` is undefined before the first block.
at::Tensor larger_ones(const at::Tensor& largest, const at::Tensor& values, int64_t count) {
  at::Tensor candidates = values;
  if (largest.defined() && largest.size(0) == count)
    candidates = values.masked_select(values > largest.min());
  if (largest.defined()) candidates = at::cat({largest, candidates});
  if (candidates.size(0) <= count) return candidates;
  return std::get<0>(candidates.topk(count, -1, /*largest=*/true, /*sorted=*/false));
}

}  // namespace

DeltaMagnitudes delta_magnitudes(const LoraLayer& layer, int64_t count) {
  const at::Tensor down = layer.down.to(at::kFloat), up = layer.up.to(at::kFloat) * layer.scale();
  const int64_t rows = up.size(0), block = std::max<int64_t>(1, kBlockElements / down.size(1));
  DeltaMagnitudes found{0, 0};
  at::Tensor largest;
  for (int64_t row = 0; row < rows; row += block) {
    const at::Tensor values = up.narrow(0, row, std::min(block, rows - row)).matmul(down).abs_();
    found.sum += values.sum(1).sum(at::kDouble).item<double>();
    largest = larger_ones(largest, values.flatten(), count);
  }
  found.top = largest.sum(at::kDouble).item<double>();
  return found;
}

}  // namespace ziplora
