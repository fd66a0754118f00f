#include "mini/pretrain/autoencoder_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

constexpr int64_t kHeight = 4, kWidth = 6;

at::Tensor images() { return at::randn({2, 3, kHeight, kWidth}, make_generator(1)).to(at::kDouble); }

LatentDistribution latents(double mean, double logvar) {
  return {at::full({2, 4, 1, 1}, mean, at::kDouble), at::full({2, 4, 1, 1}, logvar, at::kDouble)};
}

TEST(AutoencoderLoss, OfErrorsThatRiseEvenlyHasAClosedForm) {
  // Error 0.1 a row and 0.02 a column; E y = 1.5, E y² = 14/4, E x = 2.5, E x² = 55/6.
  const at::Tensor error = at::arange(kHeight, at::kDouble).view({kHeight, 1}) * 0.1 +
                           at::arange(kWidth, at::kDouble).view({1, kWidth}) * 0.02;
  const double absolute = 0.1 * 1.5 + 0.02 * 2.5;
  const double squared = 0.01 * 14 / 4 + 2 * 0.1 * 0.02 * 1.5 * 2.5 + 0.0004 * 55 / 6;
  const double kl = 0.5 * (0.25 + 4 - 1 - std::log(4.0));
  for (const double sign : {1.0, -1.0}) {
    const AutoencoderLoss loss =
        autoencoder_loss(images() + error * sign, images(), latents(0.5, std::log(4.0)), 0.01);
    EXPECT_NEAR(loss.mse.item<double>(), squared, 1e-12);
    EXPECT_NEAR(loss.kl.item<double>(), kl, 1e-12);
    EXPECT_NEAR(loss.total.item<double>(), absolute + 2 * squared + 0.5 * (0.1 + 0.02) + 0.01 * kl, 1e-12);
  }
}

TEST(AutoencoderLoss, IsZeroForTheSameImageFromStandardNormalLatents) {
  EXPECT_EQ(autoencoder_loss(images(), images(), latents(0, 0), 1.0).total.item<double>(), 0.0);
}

}  // namespace
}  // namespace ziplora::mini
