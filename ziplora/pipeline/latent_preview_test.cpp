#include "ziplora/pipeline/latent_preview.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"
#include "ziplora/diffusion/noise_schedule.h"

namespace ziplora {
namespace {

/// From x_0 and ε through the schedule's own forward process and target, and back.
void expect_clean_latents_again(PredictionType type) {
  const NoiseSchedule schedule({.prediction_type = type});
  const at::Tensor clean = at::randn({1, 4, 6, 8}, make_generator(1)),
                   noise = at::randn({1, 4, 6, 8}, make_generator(2));
  for (const int64_t timestep : {0, 500, 900}) {
    const at::Tensor timesteps = at::full({1}, timestep, at::kLong);
    const at::Tensor found =
        predicted_clean_latents(schedule, schedule.target(clean, noise, timesteps),
                                schedule.add_noise(clean, noise, timesteps), static_cast<double>(timestep));
    EXPECT_TRUE(at::allclose(found, clean, 1e-4, 1e-4)) << timestep;
  }
}

TEST(LatentPreview, UndoesTheForwardProcess) {
  expect_clean_latents_again(PredictionType::kEpsilon);
  expect_clean_latents_again(PredictionType::kVPrediction);
}

TEST(LatentPreview, SdxlLatentsTakeTheDocumentedColours) {
  const AutoencoderKL vae(AutoencoderKLConfig{.block_out_channels = {8, 8, 8, 8}, .norm_num_groups = 4});
  const at::Tensor latents = at::full({1, 4, 2, 3}, 0.25);
  const at::Tensor image = visible_latents(vae, latents);
  ASSERT_EQ(image.sizes(), (std::vector<int64_t>{3, 2, 3}));
  // 150 + (60 − 60 + 25 − 70) / 4, 140 + (60 − 5 + 15 − 50) / 4, 130 + (60 + 10 − 5 − 35) / 4
  const at::Tensor expected = at::tensor({138.75F, 145.0F, 137.5F}).view({3, 1, 1}) / 255;
  EXPECT_TRUE(at::allclose(image, expected * at::ones_like(image)));
}

}  // namespace
}  // namespace ziplora
