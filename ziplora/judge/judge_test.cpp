#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/judge/attribute_heads.h"
#include "ziplora/judge/frechet_distance.h"

namespace ziplora {
namespace {

TEST(FrechetDistance, IsZeroForTheSameFeatures) {
  const at::Tensor a = at::randn({50, 8}, make_generator(1));
  EXPECT_NEAR(frechet_distance(a, a), 0.0, 1e-6);  // float32 features, roots of eigenvalues
}

TEST(FrechetDistance, OfScaledAndShiftedFeaturesHasAClosedForm) {
  // y = 3 x + d: the covariances commute, so tr(Σ + 9 Σ − 6 Σ) = 4 tr Σ, and the means differ by 2 μ + d.
  const at::Tensor x = at::randn({60, 5}, make_generator(2)).to(at::kDouble);
  const at::Tensor d = at::tensor({1.0, 0.0, -2.0, 0.0, 0.5}, at::kDouble);
  const at::Tensor y = x * 3 + d;
  const double expected = (x.mean(0) * 2 + d).pow(2).sum().item<double>() + 4 * x.var(0).sum().item<double>();
  EXPECT_NEAR(frechet_distance(x, y), expected, 1e-9 * expected);
}

TEST(FrechetDistance, OfOneFeatureIsRefused) {
  EXPECT_THROW(frechet_distance(at::randn({1, 4}), at::randn({9, 4})), Error);
}

TEST(AttributeAccuracy, LeavesRowsWithoutALabelOut) {
  const std::map<std::string, at::Tensor> logits = {
      {"style", at::tensor({1.f, 0.f, 0.f, 1.f, 1.f, 0.f}).view({3, 2})}};  // says 0, 1, 0
  EXPECT_DOUBLE_EQ(attribute_accuracy(logits, {{"style", at::tensor({0, 1, 1}, at::kLong)}}).at("style"),
                   2.0 / 3);
  EXPECT_DOUBLE_EQ(
      attribute_accuracy(logits, {{"style", at::tensor({0L, kNoLabel, kNoLabel}, at::kLong)}}).at("style"),
      1.0);
}

}  // namespace
}  // namespace ziplora
