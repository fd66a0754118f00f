#include "ziplora/merge/merger_coefficients.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/merge/concatenate.h"

namespace ziplora {
namespace {

Adapter random_adapter(uint64_t seed, int64_t rank) {
  at::Generator generator = make_generator(seed);
  Adapter adapter;
  adapter.layers["unet.q"] = {at::randn({rank, 6}, generator), at::randn({4, rank}, generator), 0.5 * rank};
  adapter.layers["unet.conv"] = {
      at::randn({rank, 3, 3, 3}, generator), at::randn({4, rank, 1, 1}, generator), {}};
  return adapter;
}

at::Tensor delta(const LoraLayer& layer) {
  return layer.up.flatten(1).mm(layer.down.flatten(1)) * layer.scale();
}

bool always(const std::string&) { return true; }

TEST(MergerCoefficients, FoldingScalesTheColumnsOfDelta) {
  const Adapter adapter = random_adapter(1, 2);
  MergerCoefficients coefficients(MergerLayout({&adapter}, always));
  at::Generator generator = make_generator(2);
  coefficients.values = at::randn(coefficients.values.sizes(), generator);
  const Adapter folded = fold_coefficients(adapter, coefficients, 0);
  for (const MergerLayout::Segment& segment : coefficients.layout.segments) {
    const at::Tensor m = coefficients.view(0, segment);
    const at::Tensor before = delta(adapter.layers.at(segment.target)).view({4, segment.size, -1});
    const at::Tensor after = delta(folded.layers.at(segment.target)).view({4, segment.size, -1});
    EXPECT_LT((before * m.view({1, -1, 1}) - after).abs().max().item<float>(), 1e-5) << segment.target;
  }
}

TEST(MergerCoefficients, SurviveSavingAndRefuseAnotherMerge) {
  const Adapter subject = random_adapter(1, 2), style = random_adapter(2, 3);
  MergerCoefficients coefficients(MergerLayout({&subject, &style}, always));
  at::Generator generator = make_generator(3);
  {
    at::NoGradGuard no_grad;
    coefficients.values.copy_(at::randn(coefficients.values.sizes(), generator));
  }
  MergerCoefficients restored(MergerLayout({&subject, &style}, always));
  restored.load(coefficients.named());
  EXPECT_TRUE(restored.values.equal(coefficients.values));
  EXPECT_GT(restored.mean_movement(), 0.1);
  const std::vector<double> movements = restored.movements();
  for (int64_t k = 0; k < 2; ++k) {
    double sum = 0, count = 0;
    for (const auto& [name, m] : coefficients.named()) {
      if (!name.starts_with(std::to_string(k) + ".")) continue;
      sum += (m - 1).abs().sum().item<double>(), count += static_cast<double>(m.numel());
    }
    EXPECT_NEAR(movements[k], sum / count, 1e-6);
  }
  EXPECT_NE(movements[0], movements[1]);

  MergerCoefficients one(MergerLayout({&subject}, always));
  EXPECT_THROW(one.load(coefficients.named()), Error);
  NamedTensors incomplete = coefficients.named();
  incomplete.erase("1.unet.q");
  EXPECT_THROW(restored.load(incomplete), Error);
}

TEST(Concatenate, IsTheExactSumInAnyOrder) {
  const Adapter subject = random_adapter(1, 2), style = random_adapter(2, 3);
  const Adapter merged = concatenate({{&subject, 0.7}, {&style, -1.5}});
  const Adapter swapped = concatenate({{&style, -1.5}, {&subject, 0.7}});
  for (const auto& [target, layer] : merged.layers) {
    EXPECT_EQ(layer.rank(), 5);
    EXPECT_EQ(layer.scale(), 1.0);
    const at::Tensor sum = 0.7 * delta(subject.layers.at(target)) - 1.5 * delta(style.layers.at(target));
    EXPECT_LT((delta(layer) - sum).abs().max().item<float>(), 1e-5);
    EXPECT_LT((delta(swapped.layers.at(target)) - sum).abs().max().item<float>(), 1e-5);
  }
}

TEST(Concatenate, RefusesAdaptersOfDifferentShapesAndNamesTheTarget) {
  const Adapter subject = random_adapter(1, 2);
  Adapter other = random_adapter(2, 3);
  other.layers["unet.q"].down = other.layers["unet.q"].down.narrow(1, 0, 5);
  try {
    concatenate({{&subject, 1.0}, {&other, 1.0}});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIncompatible);
    EXPECT_NE(error.where().find("unet.q"), std::string::npos);
  }
}

}  // namespace
}  // namespace ziplora
