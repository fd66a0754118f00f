#include "ziplora/diffusion/noise_schedule.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cumprod.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

const char* const kWhere = "scheduler_config.json";
constexpr int64_t kMostTimesteps = 1'000'000;

[[noreturn]] void unsupported(const std::string& field, const std::string& found,
                              const std::string& expected) {
  throw Error(ErrorKind::kInput, kWhere, field + " is " + found + ", expected " + expected,
              "replace the base's scheduler/scheduler_config.json with that of stable-diffusion-xl-base-1.0");
}

/// The field, unless it is missing or null.
template <class T>
T field_or(const nlohmann::json& config, const char* field, T absent) {
  const auto found = config.find(field);
  if (found == config.end() || found->is_null()) return absent;
  try {
    return found->get<T>();
  } catch (const nlohmann::json::exception&) {
    unsupported(field, found->dump(),
                std::is_same_v<T, std::string> ? "a text"
                : std::is_same_v<T, bool>      ? "true or false"
                                               : "a number");
  }
}

template <class T>
T one_of(const nlohmann::json& config, const char* field, const std::string& absent,
         const std::vector<std::pair<const char*, T>>& choices) {
  const auto value = field_or<std::string>(config, field, absent);
  std::string names;
  for (const auto& [name, choice] : choices) {
    if (value == name) return choice;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  unsupported(field, "'" + value + "'", "one of " + names);
}

/// Some settings of diffusers' schedulers change the image, and only one value of them is supported.
void refuse_other_than(const nlohmann::json& config, const char* field, const nlohmann::json& expected) {
  const auto found = config.find(field);
  if (found != config.end() && !found->is_null() && *found != expected)
    unsupported(field, found->dump(), expected.is_null() ? "none" : expected.dump());
}

/// β_t of the cosine schedule (arXiv 2102.09672, eq. 17), capped at 0.999.
at::Tensor squared_cosine_betas(int64_t count) {
  const auto alpha_bar = [](double t) {
    return std::pow(std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2), 2);
  };
  std::vector<double> betas;
  for (int64_t t = 0; t < count; ++t) {
    const double from = static_cast<double>(t) / static_cast<double>(count);
    const double to = static_cast<double>(t + 1) / static_cast<double>(count);
    betas.push_back(std::min(1 - alpha_bar(to) / alpha_bar(from), 0.999));
  }
  return at::tensor(betas, at::kDouble).to(at::kFloat);
}

/// Shifts and scales √ᾱ so that it ends at 0 and keeps its first value (arXiv 2305.08891, algorithm 1).
at::Tensor rescale_to_zero_terminal_snr(const at::Tensor& betas) {
  const at::Tensor sqrt_alpha_bar = (1.0 - betas).cumprod(0).sqrt();
  const at::Tensor first = sqrt_alpha_bar[0].clone(), last = sqrt_alpha_bar[-1].clone();
  const at::Tensor alpha_bar = ((sqrt_alpha_bar - last) * (first / (first - last))).pow(2);
  const int64_t count = alpha_bar.size(0);
  const at::Tensor alphas = at::cat(
      {alpha_bar.narrow(0, 0, 1), alpha_bar.narrow(0, 1, count - 1) / alpha_bar.narrow(0, 0, count - 1)});
  return 1.0 - alphas;
}

at::Tensor compute_alphas_cumprod(const NoiseScheduleConfig& config) {
  at::Tensor betas;
  switch (config.beta_schedule) {
    case BetaSchedule::kScaledLinear:
      betas = at::linspace(std::sqrt(config.beta_start), std::sqrt(config.beta_end),
                           config.num_train_timesteps, at::kFloat)
                  .pow(2);
      break;
    case BetaSchedule::kLinear:
      betas = at::linspace(config.beta_start, config.beta_end, config.num_train_timesteps, at::kFloat);
      break;
    case BetaSchedule::kSquaredCosine:
      betas = squared_cosine_betas(config.num_train_timesteps);
      break;
  }
  if (config.rescale_betas_zero_snr) betas = rescale_to_zero_terminal_snr(betas);
  return (1.0 - betas).cumprod(0);
}

/// values[timesteps] on `like`'s device and dtype, shaped [B, 1, …] for broadcasting.
at::Tensor per_row(const at::Tensor& values, const at::Tensor& timesteps, const at::Tensor& like) {
  std::vector<int64_t> shape(static_cast<size_t>(like.dim()), 1);
  shape[0] = timesteps.size(0);
  return values.index_select(0, timesteps.to(values.device())).to(like.options()).view(shape);
}

}  // namespace

NoiseScheduleConfig NoiseScheduleConfig::from_json(const nlohmann::json& config) {
  if (!config.is_object()) unsupported("the content", config.type_name(), "a JSON object");
  refuse_other_than(config, "trained_betas", nullptr);
  refuse_other_than(config, "thresholding", false);
  refuse_other_than(config, "interpolation_type", "linear");
  refuse_other_than(config, "final_sigmas_type", "zero");
  refuse_other_than(config, "use_exponential_sigmas", false);
  refuse_other_than(config, "use_beta_sigmas", false);
  refuse_other_than(config, "use_lu_lambdas", false);
  refuse_other_than(config, "use_flow_sigmas", false);
  refuse_other_than(config, "timestep_type", "discrete");
  refuse_other_than(config, "sigma_min", nullptr);
  refuse_other_than(config, "sigma_max", nullptr);

  // An absent field has diffusers' default, which depends on the class that wrote the file.
  const auto written_by = field_or<std::string>(config, "_class_name", "EulerDiscreteScheduler");
  const bool leading =
      written_by == "DDIMScheduler" || written_by == "LCMScheduler" || written_by == "DDPMScheduler";

  NoiseScheduleConfig result;
  result.num_train_timesteps = field_or<int64_t>(config, "num_train_timesteps", 1000);
  result.beta_start = field_or(config, "beta_start", 0.0001);
  result.beta_end = field_or(config, "beta_end", 0.02);
  result.beta_schedule = one_of<BetaSchedule>(config, "beta_schedule", "linear",
                                              {{"scaled_linear", BetaSchedule::kScaledLinear},
                                               {"linear", BetaSchedule::kLinear},
                                               {"squaredcos_cap_v2", BetaSchedule::kSquaredCosine}});
  result.prediction_type = one_of<PredictionType>(
      config, "prediction_type", "epsilon",
      {{"epsilon", PredictionType::kEpsilon}, {"v_prediction", PredictionType::kVPrediction}});
  result.timestep_spacing =
      one_of<TimestepSpacing>(config, "timestep_spacing", leading ? "leading" : "linspace",
                              {{"leading", TimestepSpacing::kLeading},
                               {"linspace", TimestepSpacing::kLinspace},
                               {"trailing", TimestepSpacing::kTrailing}});
  result.steps_offset = field_or<int64_t>(config, "steps_offset", 0);
  result.rescale_betas_zero_snr = field_or(config, "rescale_betas_zero_snr", false);
  result.set_alpha_to_one = field_or(config, "set_alpha_to_one", true);
  result.clip_sample = field_or(config, "clip_sample", true);
  field_or(config, "use_karras_sigmas", false);  // has a meaning for the pipeline; its type is checked here
  if (result.num_train_timesteps < 2 || result.num_train_timesteps > kMostTimesteps)
    unsupported("num_train_timesteps", std::to_string(result.num_train_timesteps),
                "at least 2, at most " + std::to_string(kMostTimesteps));
  for (const auto& [field, beta] :
       {std::pair{"beta_start", result.beta_start}, {"beta_end", result.beta_end}})
    if (!(beta > 0 && beta < 1)) unsupported(field, std::to_string(beta), "a number between 0 and 1");
  return result;
}

NoiseSchedule::NoiseSchedule(NoiseScheduleConfig config_in)
    : config(config_in), alphas_cumprod(compute_alphas_cumprod(config_in)) {}

at::Tensor NoiseSchedule::add_noise(const at::Tensor& latents, const at::Tensor& noise,
                                    const at::Tensor& timesteps) const {
  const at::Tensor alpha_bar = alphas_cumprod;
  return per_row(alpha_bar.sqrt(), timesteps, latents) * latents +
         per_row((1.0 - alpha_bar).sqrt(), timesteps, latents) * noise;
}

at::Tensor NoiseSchedule::target(const at::Tensor& latents, const at::Tensor& noise,
                                 const at::Tensor& timesteps) const {
  if (config.prediction_type == PredictionType::kEpsilon) return noise;
  return per_row(alphas_cumprod.sqrt(), timesteps, latents) * noise -
         per_row((1.0 - alphas_cumprod).sqrt(), timesteps, latents) * latents;
}

at::Tensor NoiseSchedule::snr(const at::Tensor& timesteps) const {
  const at::Tensor alpha_bar = alphas_cumprod.index_select(0, timesteps.to(alphas_cumprod.device()));
  return alpha_bar / (1.0 - alpha_bar);
}

at::Tensor NoiseSchedule::min_snr_weights(const at::Tensor& timesteps, double gamma) const {
  const at::Tensor ratio = snr(timesteps);
  const at::Tensor capped = ratio.clamp_max(gamma);
  return config.prediction_type == PredictionType::kEpsilon ? capped / ratio : capped / (ratio + 1.0);
}

}  // namespace ziplora
