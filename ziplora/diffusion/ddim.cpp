// DDIM, arXiv 2010.02502, eq. 12. Behaviour: diffusers 0.42 DDIMScheduler.
#include <ATen/TensorOperators.h>

#include <cmath>

#include "ziplora/base/error.h"
#include "ziplora/diffusion/row_noise.h"
#include "ziplora/diffusion/scheduler.h"
#include "ziplora/diffusion/step_plan.h"

namespace ziplora {
namespace {

class Ddim : public Scheduler {
 public:
  Ddim(const NoiseSchedule& schedule, const SchedulerOptions& options)
      : schedule_(schedule), eta_(options.eta) {
    if (options.karras_sigmas)
      throw Error(ErrorKind::kUsage, "scheduler ddim",
                  "DDIM visits training timesteps and cannot use Karras sigmas",
                  "choose another scheduler for Karras sigmas, for example euler or dpm++-2m");
  }

  void set_steps(int64_t num_inference_steps) override {
    check_steps("ddim", num_inference_steps, schedule_.config.num_train_timesteps);
    const auto plan = plan_discrete_timesteps(schedule_.config, num_inference_steps);
    timesteps_.assign(plan.begin(), plan.end());
    stride_ = schedule_.config.num_train_timesteps / num_inference_steps;
  }

  const std::vector<double>& timesteps() const override { return timesteps_; }
  double initial_noise_sigma() const override { return 1.0; }
  at::Tensor scale_model_input(const at::Tensor& sample, size_t) const override { return sample; }

  at::Tensor step(const at::Tensor& noise_pred, size_t step, const at::Tensor& sample,
                  std::span<at::Generator> generators) override {
    const auto timestep = static_cast<int64_t>(timesteps_[step]);
    const double alpha_bar = alpha_bar_at(timestep), alpha_bar_prev = alpha_bar_at(timestep - stride_);
    const double signal = std::sqrt(alpha_bar), noise = std::sqrt(1 - alpha_bar);

    const bool epsilon = schedule_.config.prediction_type == PredictionType::kEpsilon;
    at::Tensor pred_original =
        epsilon ? (sample - noise_pred * noise) / signal : sample * signal - noise_pred * noise;
    const at::Tensor pred_epsilon = epsilon ? noise_pred : noise_pred * signal + sample * noise;
    if (schedule_.config.clip_sample) pred_original = pred_original.clamp(-1.0, 1.0);

    const double variance = (1 - alpha_bar_prev) / (1 - alpha_bar) * (1 - alpha_bar / alpha_bar_prev);
    const double sigma = eta_ * std::sqrt(variance);
    at::Tensor previous = pred_original * std::sqrt(alpha_bar_prev) +
                          pred_epsilon * std::sqrt(1 - alpha_bar_prev - sigma * sigma);
    if (eta_ > 0) previous = previous + row_noise(previous, generators) * sigma;
    return previous;
  }

 private:
  double alpha_bar_at(int64_t timestep) const {
    if (timestep < 0 && schedule_.config.set_alpha_to_one) return 1.0;
    return schedule_.alpha_bar(std::max<int64_t>(timestep, 0));
  }

  const NoiseSchedule schedule_;
  const double eta_;
  std::vector<double> timesteps_;
  int64_t stride_ = 0;
};

}  // namespace

SchedulerEntry ddim_scheduler() {
  return {"ddim",
          "DDIM, deterministic unless eta > 0 (arXiv 2010.02502)",
          "DDIMScheduler",
          [](const NoiseSchedule& schedule, const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
            return std::make_unique<Ddim>(schedule, options);
          },
          {{"clip_sample_range", 1.0}}};
}

}  // namespace ziplora
