// Multistep sampling of latent consistency models, arXiv 2310.04378, algorithm 3. For bases or adapters that
// were distilled for it: 1 to 8 steps. Behaviour: diffusers 0.42 LCMScheduler (original_inference_steps 50,
// timestep_scaling 10).
#include <ATen/TensorOperators.h>

#include <cmath>

#include "ziplora/base/error.h"
#include "ziplora/diffusion/row_noise.h"
#include "ziplora/diffusion/scheduler.h"
#include "ziplora/diffusion/step_plan.h"

namespace ziplora {
namespace {

constexpr int64_t kOriginalSteps = 50;  // of the teacher's schedule, of which ours is a part
constexpr double kTimestepScaling = 10.0;
constexpr double kSigmaData = 0.5;

class Lcm : public Scheduler {
 public:
  Lcm(const NoiseSchedule& schedule, const SchedulerOptions& options) : schedule_(schedule) {
    if (options.karras_sigmas)
      throw Error(ErrorKind::kUsage, "scheduler lcm",
                  "LCM visits its teacher's timesteps and cannot use Karras sigmas",
                  "choose another scheduler for Karras sigmas, for example euler or dpm++-2m");
  }

  void set_steps(int64_t num_inference_steps) override {
    const int64_t original_steps = std::min(kOriginalSteps, schedule_.config.num_train_timesteps);
    check_steps("lcm", num_inference_steps, original_steps);
    const int64_t stride = schedule_.config.num_train_timesteps / original_steps;
    timesteps_.clear();
    for (int64_t i = 0; i < num_inference_steps; ++i)
      timesteps_.push_back(
          static_cast<double>((original_steps - i * original_steps / num_inference_steps) * stride - 1));
  }

  const std::vector<double>& timesteps() const override { return timesteps_; }
  double initial_noise_sigma() const override { return 1.0; }
  at::Tensor scale_model_input(const at::Tensor& sample, size_t) const override { return sample; }

  at::Tensor step(const at::Tensor& noise_pred, size_t step, const at::Tensor& sample,
                  std::span<at::Generator> generators) override {
    const double alpha_bar = alpha_bar_at(step);
    const double signal = std::sqrt(alpha_bar), noise = std::sqrt(1 - alpha_bar);
    at::Tensor original = schedule_.config.prediction_type == PredictionType::kEpsilon
                              ? (sample - noise_pred * noise) / signal
                              : sample * signal - noise_pred * noise;
    if (schedule_.config.clip_sample) original = original.clamp(-1.0, 1.0);

    // The consistency function: the identity at t = 0 (arXiv 2303.01469, appendix C)
    const double scaled = timesteps_[step] * kTimestepScaling;
    const double c_skip = kSigmaData * kSigmaData / (scaled * scaled + kSigmaData * kSigmaData);
    const double c_out = scaled / std::sqrt(scaled * scaled + kSigmaData * kSigmaData);
    const at::Tensor denoised = original * c_out + sample * c_skip;
    if (step + 1 == timesteps_.size()) return denoised;
    const double next = alpha_bar_at(step + 1);
    return denoised * std::sqrt(next) + row_noise(denoised, generators) * std::sqrt(1 - next);
  }

 private:
  double alpha_bar_at(size_t step) const {
    return schedule_.alpha_bar(static_cast<int64_t>(timesteps_[step]));
  }

  const NoiseSchedule schedule_;
  std::vector<double> timesteps_;
};

}  // namespace

SchedulerEntry lcm_scheduler() {
  return {"lcm",
          "latent consistency sampling in 1 to 8 steps (arXiv 2310.04378)",
          "LCMScheduler",
          [](const NoiseSchedule& schedule, const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
            return std::make_unique<Lcm>(schedule, options);
          },
          {{"original_inference_steps", 50}, {"timestep_scaling", 10.0}, {"clip_sample_range", 1.0}}};
}

}  // namespace ziplora
