// Steps with Euler's method below the next noise level, then adds fresh noise up to it (k-diffusion's
// sample_euler_ancestral). Behaviour: diffusers 0.42 EulerAncestralDiscreteScheduler. That class has no
// Karras sigmas; ours are Euler's.
#include <cmath>

#include "ziplora/diffusion/row_noise.h"
#include "ziplora/diffusion/scheduler.h"
#include "ziplora/diffusion/sigma_prediction.h"

namespace ziplora {
namespace {

class EulerAncestral : public Scheduler {
 public:
  EulerAncestral(const NoiseSchedule& schedule, const SchedulerOptions& options)
      : schedule_(schedule), karras_(options.karras_sigmas) {}

  void set_steps(int64_t num_inference_steps) override {
    check_steps("euler-ancestral", num_inference_steps, schedule_.config.num_train_timesteps);
    plan_ = plan_euler_sigmas(schedule_, num_inference_steps, karras_);
  }

  const std::vector<double>& timesteps() const override { return plan_.timesteps; }
  double initial_noise_sigma() const override { return initial_sigma(schedule_.config, plan_); }
  at::Tensor scale_model_input(const at::Tensor& sample, size_t step) const override {
    return scale_by_sigma(sample, plan_.sigmas[step]);
  }

  at::Tensor step(const at::Tensor& noise_pred, size_t step, const at::Tensor& sample,
                  std::span<at::Generator> generators) override {
    const float sigma = plan_.sigmas[step], sigma_to = plan_.sigmas[step + 1];
    const float sigma_up =
        std::sqrt(sigma_to * sigma_to * (sigma * sigma - sigma_to * sigma_to) / (sigma * sigma));
    const float sigma_down = std::sqrt(sigma_to * sigma_to - sigma_up * sigma_up);
    const at::Tensor original = predict_original(schedule_.config.prediction_type, noise_pred, sample, sigma);
    const at::Tensor derivative = (sample - original) / sigma;
    return sample + derivative * (sigma_down - sigma) + row_noise(sample, generators) * sigma_up;
  }

 private:
  const NoiseSchedule schedule_;
  const bool karras_;
  SigmaPlan plan_;
};

}  // namespace

SchedulerEntry euler_ancestral_scheduler() {
  return {"euler-ancestral", "Euler with fresh noise at every step (k-diffusion)",
          "EulerAncestralDiscreteScheduler",
          [](const NoiseSchedule& schedule, const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
            return std::make_unique<EulerAncestral>(schedule, options);
          }};
}

}  // namespace ziplora
