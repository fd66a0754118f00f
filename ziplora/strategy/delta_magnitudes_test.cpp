#include "ziplora/strategy/delta_magnitudes.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

/// ΔW of the layer, all at once.
at::Tensor whole_magnitudes(const LoraLayer& layer) {
  return (layer.up.to(at::kDouble).matmul(layer.down.to(at::kDouble)) * layer.scale()).abs().flatten();
}

TEST(DeltaMagnitudes, SumsAllElementsAndTheLargestAcrossBlocksOfRows) {
  at::Generator generator = make_generator(3);
  const LoraLayer layer{at::randn({3, 2'000}, generator), at::randn({1'500, 3}, generator), 1.5};
  const at::Tensor values = whole_magnitudes(layer);
  for (const int64_t count : {1, 700, 400'000}) {
    const DeltaMagnitudes found = delta_magnitudes(layer, count);
    EXPECT_NEAR(found.sum / values.sum().item<double>(), 1.0, 1e-6);
    EXPECT_NEAR(found.top / std::get<0>(values.topk(count)).sum().item<double>(), 1.0, 1e-6) << count;
  }
}

TEST(DeltaMagnitudes, CountsEveryElementWhereMoreAreAskedFor) {
  at::Generator generator = make_generator(4);
  const LoraLayer layer{at::randn({2, 5}, generator).to(at::kHalf),
                        at::randn({4, 2}, generator).to(at::kHalf)};
  const DeltaMagnitudes found = delta_magnitudes(layer, 21);
  const double whole = whole_magnitudes(layer).sum().item<double>();
  EXPECT_NEAR(found.top, whole, 1e-4);
  EXPECT_NEAR(found.sum, whole, 1e-4);
}

}  // namespace
}  // namespace ziplora
