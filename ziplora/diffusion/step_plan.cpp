#include "ziplora/diffusion/step_plan.h"

#include <algorithm>
#include <cmath>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// σ_t = √((1 − ᾱ_t) / ᾱ_t), rising with t.
std::vector<float> training_sigmas(const NoiseSchedule& schedule) {
  const at::Tensor alpha_bar = schedule.alphas_cumprod.clone();
  // Zero terminal SNR would make σ infinite; diffusers substitutes the smallest half-precision number.
  if (schedule.config.rescale_betas_zero_snr) alpha_bar[-1].fill_(std::pow(2.0, -24));
  const at::Tensor sigmas = ((1.0 - alpha_bar) / alpha_bar).sqrt().contiguous();
  return {sigmas.const_data_ptr<float>(), sigmas.const_data_ptr<float>() + sigmas.numel()};
}

/// `count` evenly spaced points from 0 to `last`.
std::vector<double> linspace_from_zero(double last, int64_t count) {
  std::vector<double> points;
  const double stride = count > 1 ? last / static_cast<double>(count - 1) : 0.0;
  for (int64_t i = 0; i < count; ++i) points.push_back(static_cast<double>(i) * stride);
  if (count > 1) points.back() = last;
  return points;
}

/// N, N − N/n, … rounded to even, minus 1.
std::vector<double> trailing_timesteps(int64_t num_train_timesteps, int64_t steps) {
  std::vector<double> timesteps;
  const double stride = static_cast<double>(num_train_timesteps) / static_cast<double>(steps);
  for (int64_t i = 0; i < steps; ++i)
    timesteps.push_back(
        std::nearbyint(static_cast<double>(num_train_timesteps) - static_cast<double>(i) * stride) - 1);
  return timesteps;
}

std::vector<double> leading_timesteps(int64_t stride, int64_t count, int64_t offset) {
  std::vector<double> timesteps;
  for (int64_t i = count - 1; i >= 0; --i) timesteps.push_back(static_cast<double>(i * stride + offset));
  return timesteps;
}

/// σ at a fractional timestep, linear between its neighbours and constant outside.
double interpolate(const std::vector<float>& sigmas, double timestep) {
  const double last = static_cast<double>(sigmas.size() - 1);
  if (timestep <= 0) return sigmas.front();
  if (timestep >= last) return sigmas.back();
  const auto low = static_cast<size_t>(timestep);
  const double low_sigma = sigmas[low], high_sigma = sigmas[low + 1];
  return (high_sigma - low_sigma) * (timestep - static_cast<double>(low)) + low_sigma;
}

/// The fractional timestep of σ, linear in log σ.
double timestep_of_sigma(double sigma, const std::vector<float>& log_sigmas) {
  const double log_sigma = std::log(std::max(sigma, 1e-10));
  const auto above = std::upper_bound(log_sigmas.begin(), log_sigmas.end(), log_sigma,
                                      [](double value, float element) { return value < element; });
  size_t low = above == log_sigmas.begin() ? 0 : static_cast<size_t>(above - log_sigmas.begin()) - 1;
  low = std::min(low, log_sigmas.size() - 2);
  const double low_value = log_sigmas[low], high_value = log_sigmas[low + 1];
  const double weight = std::clamp((low_value - log_sigma) / (low_value - high_value), 0.0, 1.0);
  return (1 - weight) * static_cast<double>(low) + weight * static_cast<double>(low + 1);
}

std::vector<double> karras_sigmas(double sigma_min, double sigma_max, int64_t count) {
  constexpr double kRho = 7.0;
  const double min_root = std::pow(sigma_min, 1 / kRho), max_root = std::pow(sigma_max, 1 / kRho);
  std::vector<double> sigmas;
  for (const double ramp : linspace_from_zero(1.0, count))
    sigmas.push_back(std::pow(max_root + ramp * (min_root - max_root), kRho));
  return sigmas;
}

std::vector<float> logs(const std::vector<float>& values) {
  std::vector<float> result;
  for (const float value : values) result.push_back(std::log(value));
  return result;
}

SigmaPlan finish(std::vector<double> timesteps, const std::vector<double>& sigmas) {
  SigmaPlan plan{std::move(timesteps), {sigmas.begin(), sigmas.end()}};
  plan.sigmas.push_back(0.0f);
  return plan;
}

}  // namespace

void check_steps(const std::string& scheduler, int64_t steps, int64_t limit) {
  if (steps >= 1 && steps <= limit) return;
  throw Error(ErrorKind::kUsage, "scheduler " + scheduler,
              std::to_string(steps) + " steps, expected 1 to " + std::to_string(limit),
              "for example " + std::to_string(std::min<int64_t>(25, limit)) + " steps");
}

std::vector<int64_t> plan_discrete_timesteps(const NoiseScheduleConfig& config, int64_t steps) {
  const int64_t train = config.num_train_timesteps;
  std::vector<double> timesteps;
  switch (config.timestep_spacing) {
    case TimestepSpacing::kLinspace:
      timesteps = linspace_from_zero(static_cast<double>(train - 1), steps);
      for (double& timestep : timesteps) timestep = std::nearbyint(timestep);
      std::reverse(timesteps.begin(), timesteps.end());
      break;
    case TimestepSpacing::kLeading:
      timesteps = leading_timesteps(train / steps, steps, config.steps_offset);
      break;
    case TimestepSpacing::kTrailing:
      timesteps = trailing_timesteps(train, steps);
      break;
  }
  if (timesteps.front() > static_cast<double>(train - 1))
    throw Error(ErrorKind::kUsage, "scheduler",
                std::to_string(steps) + " steps with leading spacing go beyond the last training timestep",
                "use fewer steps");
  return {timesteps.begin(), timesteps.end()};
}

SigmaPlan plan_euler_sigmas(const NoiseSchedule& schedule, int64_t steps, bool karras) {
  const NoiseScheduleConfig& config = schedule.config;
  const std::vector<float> training = training_sigmas(schedule);
  std::vector<double> timesteps;
  if (config.timestep_spacing == TimestepSpacing::kLinspace) {
    for (const double timestep :
         linspace_from_zero(static_cast<double>(config.num_train_timesteps - 1), steps))
      timesteps.push_back(static_cast<float>(timestep));  // diffusers keeps these in float32
    std::reverse(timesteps.begin(), timesteps.end());
  } else if (config.timestep_spacing == TimestepSpacing::kLeading) {
    timesteps = leading_timesteps(config.num_train_timesteps / steps, steps, config.steps_offset);
  } else {
    timesteps = trailing_timesteps(config.num_train_timesteps, steps);
  }
  std::vector<double> sigmas;
  for (const double timestep : timesteps) sigmas.push_back(interpolate(training, timestep));
  if (karras) {
    sigmas = karras_sigmas(sigmas.back(), sigmas.front(), steps);
    const std::vector<float> log_sigmas = logs(training);
    for (size_t step = 0; step < sigmas.size(); ++step)
      timesteps[step] = static_cast<float>(timestep_of_sigma(sigmas[step], log_sigmas));
  }
  return finish(std::move(timesteps), sigmas);
}

SigmaPlan plan_dpm_solver_sigmas(const NoiseSchedule& schedule, int64_t steps, bool karras) {
  const NoiseScheduleConfig& config = schedule.config;
  const std::vector<float> training = training_sigmas(schedule);
  std::vector<double> timesteps, sigmas;
  if (karras) {
    const std::vector<float> log_sigmas = logs(training);
    sigmas = karras_sigmas(training.front(), training.back(), steps);
    for (const double sigma : sigmas) {
      const double timestep = timestep_of_sigma(sigma, log_sigmas);
      // diffusers keeps fractions for the cosine schedule and truncates them when it stores integers
      timesteps.push_back(config.beta_schedule == BetaSchedule::kSquaredCosine ? std::trunc(timestep)
                                                                               : std::nearbyint(timestep));
    }
    return finish(std::move(timesteps), sigmas);
  }
  if (config.timestep_spacing == TimestepSpacing::kLinspace) {
    timesteps = linspace_from_zero(static_cast<double>(config.num_train_timesteps - 1), steps + 1);
    for (double& timestep : timesteps) timestep = std::nearbyint(timestep);
    std::reverse(timesteps.begin(), timesteps.end());
    timesteps.pop_back();
  } else if (config.timestep_spacing == TimestepSpacing::kLeading) {
    timesteps = leading_timesteps(config.num_train_timesteps / (steps + 1), steps + 1, config.steps_offset);
    timesteps.pop_back();
  } else {
    timesteps = trailing_timesteps(config.num_train_timesteps, steps);
  }
  for (const double timestep : timesteps) sigmas.push_back(interpolate(training, timestep));
  return finish(std::move(timesteps), sigmas);
}

}  // namespace ziplora
