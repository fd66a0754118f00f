#pragma once
/// Shared by the schedulers in σ space (x = x_0 + σ ε, arXiv 2206.00364): how the model sees a sample, and
/// the x_0 that it predicts.

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <cmath>

#include "ziplora/diffusion/noise_schedule.h"
#include "ziplora/diffusion/step_plan.h"

namespace ziplora {

/// The model was trained on samples of unit variance.
inline at::Tensor scale_by_sigma(const at::Tensor& sample, float sigma) {
  return sample / std::sqrt(sigma * sigma + 1);
}

/// ε: x − σ ε;  v: x / (σ² + 1) − v σ / √(σ² + 1)
inline at::Tensor predict_original(PredictionType type, const at::Tensor& noise_pred,
                                   const at::Tensor& sample, float sigma) {
  if (type == PredictionType::kEpsilon) return sample - noise_pred * sigma;
  return noise_pred * (-sigma / std::sqrt(sigma * sigma + 1)) + sample / (sigma * sigma + 1);
}

/// Start noise: σ_max if the plan starts at the last training timestep, √(σ_max² + 1) with leading spacing.
inline double initial_sigma(const NoiseScheduleConfig& config, const SigmaPlan& plan) {
  const double sigma = plan.sigmas.front();
  return config.timestep_spacing == TimestepSpacing::kLeading ? std::sqrt(sigma * sigma + 1) : sigma;
}

}  // namespace ziplora
