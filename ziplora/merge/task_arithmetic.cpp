#include "ziplora/merge/task_arithmetic.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <tuple>

#include "ziplora/base/rng.h"

namespace ziplora {

at::Tensor keep_largest(const at::Tensor& values, double density) {
  if (density >= 1) return values;
  auto kept = static_cast<int64_t>(density * static_cast<double>(values.numel()));
  if (density > 0) kept = std::max(kept, std::min<int64_t>(1, values.numel()));
  const at::Tensor flat = values.reshape({-1});
  const at::Tensor largest = std::get<1>(flat.abs().topk(kept));
  at::Tensor result = at::zeros_like(flat);
  result.index_copy_(0, largest, flat.index_select(0, largest));
  return result.view(values.sizes());
}

at::Tensor keep_random(const at::Tensor& values, double density, uint64_t seed) {
  if (density >= 1) return values;
  const at::Tensor mask = at::empty_like(values).bernoulli_(density, make_generator(seed));
  return values * mask / density;
}

at::Tensor elected_signs(const at::Tensor& stacked, MajoritySign majority) {
  const at::Tensor signs = stacked.sign();
  const at::Tensor votes = majority == MajoritySign::kTotal ? stacked.sum(0) : signs.sum(0);
  const at::Tensor elected = at::where(votes >= 0, at::ones_like(votes), -at::ones_like(votes));
  return signs == elected;
}

at::Tensor disjoint_mean(const at::Tensor& stacked, const at::Tensor& mask) {
  return (stacked * mask).sum(0) / mask.sum(0).clamp_min(1);
}

}  // namespace ziplora
