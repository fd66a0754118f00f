#include "ziplora/analyze/spectra.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

at::Tensor noise(at::IntArrayRef shape, uint64_t seed) {
  at::Generator random = make_generator(seed);
  return at::randn(shape, random, at::TensorOptions(at::kFloat));
}

at::Tensor true_singular_values(const LoraLayer& layer) {
  const at::Tensor delta = layer.up.to(at::kDouble).flatten(1).matmul(layer.down.to(at::kDouble).flatten(1));
  return at::linalg_svdvals(delta * layer.scale());
}

TEST(Spectra, ExactForOrdinaryRanks) {
  const LoraLayer layer{noise({6, 40, 3, 3}, 1), noise({50, 6, 1, 1}, 2), 3.0};
  const at::Tensor energy = true_singular_values(layer).narrow(0, 0, 6).square();
  const SpectrumSummary summary = summarize_spectrum(layer);
  EXPECT_NEAR(summary.norm, energy.sum().sqrt().item<double>(), 1e-5 * summary.norm);
  EXPECT_NEAR(summary.stable_rank, (energy.sum() / energy[0]).item<double>(), 1e-5);
  EXPECT_NEAR(summary.first_half_energy.value(), (energy.narrow(0, 0, 3).sum() / energy.sum()).item<double>(),
              1e-6);
}

// White noise has the flattest spectrum that a whole difference can have: the worst case for the iteration.
TEST(Spectra, HighRanksKeepTheirNormAndBoundTheLargestFromBelow) {
  for (const LoraLayer& layer : {LoraLayer{at::eye(300), noise({420, 300}, 3), 300.0},      // whole, up
                                 LoraLayer{noise({300, 420}, 4), at::eye(300), 150.0},      // whole, down
                                 LoraLayer{noise({300, 420}, 5), noise({420, 300}, 6)}}) {  // two factors
    const at::Tensor values = true_singular_values(layer);
    const SpectrumSummary summary = summarize_spectrum(layer);
    EXPECT_NEAR(summary.norm, values.norm().item<double>(), 1e-4 * summary.norm);
    EXPECT_LE(summary.largest, values[0].item<double>() * 1.0001);
    EXPECT_GE(summary.largest, values[0].item<double>() * 0.95);
    EXPECT_FALSE(summary.first_half_energy.has_value());
  }
}

TEST(Spectra, NothingChangedIsAllZeros) {
  for (const int64_t rank : {4, 300}) {
    const SpectrumSummary summary = summarize_spectrum({at::zeros({rank, 320}), noise({320, rank}, 7), 4.0});
    EXPECT_EQ(summary.norm, 0);
    EXPECT_EQ(summary.stable_rank, 0);
  }
}

}  // namespace
}  // namespace ziplora
