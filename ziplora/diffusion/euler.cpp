// Euler's method on the probability-flow ODE, arXiv 2206.00364, algorithm 2 without churn.
// Behaviour: diffusers 0.42 EulerDiscreteScheduler.
#include "ziplora/diffusion/scheduler.h"
#include "ziplora/diffusion/sigma_prediction.h"

namespace ziplora {
namespace {

class Euler : public Scheduler {
 public:
  Euler(const NoiseSchedule& schedule, const SchedulerOptions& options)
      : schedule_(schedule), karras_(options.karras_sigmas) {}

  void set_steps(int64_t num_inference_steps) override {
    check_steps("euler", num_inference_steps, schedule_.config.num_train_timesteps);
    plan_ = plan_euler_sigmas(schedule_, num_inference_steps, karras_);
  }

  const std::vector<double>& timesteps() const override { return plan_.timesteps; }
  double initial_noise_sigma() const override { return initial_sigma(schedule_.config, plan_); }
  at::Tensor scale_model_input(const at::Tensor& sample, size_t step) const override {
    return scale_by_sigma(sample, plan_.sigmas[step]);
  }

  at::Tensor step(const at::Tensor& noise_pred, size_t step, const at::Tensor& sample,
                  std::span<at::Generator>) override {
    const float sigma = plan_.sigmas[step], sigma_next = plan_.sigmas[step + 1];
    const at::Tensor original = predict_original(schedule_.config.prediction_type, noise_pred, sample, sigma);
    const at::Tensor derivative = (sample - original) / sigma;
    return sample + derivative * (sigma_next - sigma);
  }

 private:
  const NoiseSchedule schedule_;
  const bool karras_;
  SigmaPlan plan_;
};

}  // namespace

SchedulerEntry euler_scheduler() {
  return {"euler", "Euler's method on the probability-flow ODE (arXiv 2206.00364)", "EulerDiscreteScheduler",
          [](const NoiseSchedule& schedule, const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
            return std::make_unique<Euler>(schedule, options);
          }};
}

}  // namespace ziplora
