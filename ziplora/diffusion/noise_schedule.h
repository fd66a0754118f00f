#pragma once
/// The forward process: β_t, ᾱ_t and what training derives from them. Reads a diffusers
/// `scheduler_config.json`.
///
///     NoiseSchedule schedule(NoiseScheduleConfig::from_json(base->scheduler_config));
///     at::Tensor noisy = schedule.add_noise(latents, noise, timesteps);  // DDPM, arXiv 2006.11239, eq. 4

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

namespace ziplora {

enum class PredictionType { kEpsilon, kVPrediction };
enum class BetaSchedule { kScaledLinear, kLinear, kSquaredCosine };
enum class TimestepSpacing { kLeading, kLinspace, kTrailing };  ///< Table 2 of arXiv 2305.08891

struct NoiseScheduleConfig {
  int64_t num_train_timesteps = 1000;
  double beta_start = 0.00085, beta_end = 0.012;
  BetaSchedule beta_schedule = BetaSchedule::kScaledLinear;
  PredictionType prediction_type = PredictionType::kEpsilon;
  TimestepSpacing timestep_spacing = TimestepSpacing::kLeading;
  int64_t steps_offset = 1;
  bool rescale_betas_zero_snr = false;
  bool set_alpha_to_one = false;
  bool clip_sample = false;

  /// @param config  a diffusers scheduler_config.json; an absent field has the default of the class that
  ///                wrote the file
  /// @throws Error(kInput) naming a field with a value that is not supported
  static NoiseScheduleConfig from_json(const nlohmann::json& config);
};

class NoiseSchedule {
 public:
  explicit NoiseSchedule(NoiseScheduleConfig config);

  const NoiseScheduleConfig config;
  const at::Tensor alphas_cumprod;  ///< ᾱ, [num_train_timesteps] float32, computed as in diffusers

  /// ᾱ_t of one timestep.
  double alpha_bar(int64_t timestep) const { return alphas_cumprod.const_data_ptr<float>()[timestep]; }

  /// x_t = √ᾱ_t x_0 + √(1−ᾱ_t) ε
  /// @param timesteps  [B] int64
  at::Tensor add_noise(const at::Tensor& latents, const at::Tensor& noise, const at::Tensor& timesteps) const;
  /// What the model learns to predict: ε, or v = √ᾱ_t ε − √(1−ᾱ_t) x_0.
  at::Tensor target(const at::Tensor& latents, const at::Tensor& noise, const at::Tensor& timesteps) const;
  /// ᾱ_t / (1−ᾱ_t), [B] float32
  at::Tensor snr(const at::Tensor& timesteps) const;
  /// min-SNR-γ weights (arXiv 2303.09556): min(SNR, γ)/SNR for ε, min(SNR, γ)/(SNR+1) for v. [B] float32
  at::Tensor min_snr_weights(const at::Tensor& timesteps, double gamma) const;
};

}  // namespace ziplora
