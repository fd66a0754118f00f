#include "ziplora/diffusion/noise_schedule.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// What stable-diffusion-xl-base-1.0 publishes.
nlohmann::json sdxl_config() {
  return {{"_class_name", "EulerDiscreteScheduler"},
          {"beta_start", 0.00085},
          {"beta_end", 0.012},
          {"beta_schedule", "scaled_linear"},
          {"clip_sample", false},
          {"num_train_timesteps", 1000},
          {"prediction_type", "epsilon"},
          {"set_alpha_to_one", false},
          {"steps_offset", 1},
          {"timestep_spacing", "leading"}};
}

TEST(NoiseSchedule, SdxlEndsAtTheKnownNoiseLevel) {
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(sdxl_config()));
  EXPECT_EQ(schedule.alphas_cumprod.size(0), 1000);
  // σ_max of SDXL is 14.6146 (k-diffusion's published value): ᾱ = 1 / (σ² + 1)
  EXPECT_NEAR(schedule.alphas_cumprod[-1].item<double>(), 1 / (14.6146 * 14.6146 + 1), 1e-6);
  EXPECT_NEAR(schedule.alphas_cumprod[0].item<double>(), 1 - 0.00085, 1e-6);
}

TEST(NoiseSchedule, ZeroTerminalSnrEndsInPureNoise) {
  auto config = sdxl_config();
  config["rescale_betas_zero_snr"] = true;
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(config));
  EXPECT_EQ(schedule.alphas_cumprod[-1].item<float>(), 0.0f);
  EXPECT_NEAR(schedule.alphas_cumprod[0].item<double>(), 1 - 0.00085, 1e-6);
}

TEST(NoiseSchedule, NoisyLatentsAndVelocityGiveTheLatentsBack) {
  auto config = sdxl_config();
  config["prediction_type"] = "v_prediction";
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(config));
  const at::Tensor latents = at::randn({3, 4, 2, 2}), noise = at::randn({3, 4, 2, 2});
  const at::Tensor timesteps = at::tensor({0, 500, 999}, at::kLong);
  const at::Tensor noisy = schedule.add_noise(latents, noise, timesteps);
  const at::Tensor velocity = schedule.target(latents, noise, timesteps);
  const at::Tensor alpha_bar = schedule.alphas_cumprod.index_select(0, timesteps).view({3, 1, 1, 1});
  // x_0 = √ᾱ x_t − √(1−ᾱ) v, because the two are a rotation of (x_0, ε)
  EXPECT_TRUE(
      at::allclose(alpha_bar.sqrt() * noisy - (1 - alpha_bar).sqrt() * velocity, latents, 1e-4, 1e-5));
}

TEST(NoiseSchedule, MinSnrWeightsAreOneWhereTheNoiseIsStrong) {
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(sdxl_config()));
  const at::Tensor weights = schedule.min_snr_weights(at::tensor({0, 999}, at::kLong), 5.0);
  EXPECT_NEAR(weights[0].item<double>(), 5.0 * 0.00085 / (1 - 0.00085), 1e-5);
  EXPECT_EQ(weights[1].item<float>(), 1.0f);
}

TEST(NoiseSchedule, RefusesWhatItCannotFollow) {
  for (const auto& [field, value] :
       std::vector<std::pair<std::string, nlohmann::json>>{{"prediction_type", "sample"},
                                                           {"beta_schedule", "sigmoid"},
                                                           {"beta_start", "small"},
                                                           {"thresholding", true},
                                                           {"timestep_spacing", 3},
                                                           {"num_train_timesteps", 0}}) {
    auto config = sdxl_config();
    config[field] = value;
    try {
      NoiseScheduleConfig::from_json(config);
      ADD_FAILURE() << field << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      EXPECT_NE(error.problem().find(field), std::string::npos) << error.problem();
    }
  }
}

}  // namespace
}  // namespace ziplora
