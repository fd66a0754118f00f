// DPM-Solver++(2M), arXiv 2211.01095, algorithm 2, midpoint form.
// Behaviour: diffusers 0.42 DPMSolverMultistepScheduler with its defaults (order 2, lower_order_final, final
// sigma 0).
#include <ATen/TensorOperators.h>

#include <cmath>

#include "ziplora/diffusion/scheduler.h"
#include "ziplora/diffusion/step_plan.h"

namespace ziplora {
namespace {

/// A noise level as α x_0 + σ ε with α² + σ² = 1.
struct Level {
  explicit Level(float noise_level)
      : alpha(1 / std::sqrt(noise_level * noise_level + 1)),
        sigma(noise_level * alpha),
        lambda(std::log(alpha) - std::log(sigma)) {}
  float alpha, sigma, lambda;
};

class DpmSolverPp2m : public Scheduler {
 public:
  DpmSolverPp2m(const NoiseSchedule& schedule, const SchedulerOptions& options)
      : schedule_(schedule), karras_(options.karras_sigmas) {}

  void set_steps(int64_t num_inference_steps) override {
    check_steps("dpm++-2m", num_inference_steps, schedule_.config.num_train_timesteps);
    plan_ = plan_dpm_solver_sigmas(schedule_, num_inference_steps, karras_);
    previous_original_ = at::Tensor();
  }

  const std::vector<double>& timesteps() const override { return plan_.timesteps; }
  double initial_noise_sigma() const override { return 1.0; }
  at::Tensor scale_model_input(const at::Tensor& sample, size_t) const override { return sample; }

  at::Tensor step(const at::Tensor& noise_pred, size_t step, const at::Tensor& sample,
                  std::span<at::Generator>) override {
    const Level here(plan_.sigmas[step]), next(plan_.sigmas[step + 1]);
    const at::Tensor original = schedule_.config.prediction_type == PredictionType::kEpsilon
                                    ? (sample - noise_pred * here.sigma) / here.alpha
                                    : sample * here.alpha - noise_pred * here.sigma;
    const float h = next.lambda - here.lambda;  // infinite at the last step, where exp(−h) is 0
    const float gain = next.alpha * (std::exp(-h) - 1);
    at::Tensor result = sample * (next.sigma / here.sigma) - original * gain;

    // The first step has no history; the last one goes to σ = 0, where the second-order term has no meaning.
    const bool second_order = previous_original_.defined() && step + 1 < plan_.timesteps.size();
    if (second_order) {
      const float h_previous = here.lambda - Level(plan_.sigmas[step - 1]).lambda;
      const at::Tensor difference = (original - previous_original_) * (h / h_previous);
      result = result - difference * (0.5f * gain);
    }
    previous_original_ = original;
    return result;
  }

 private:
  const NoiseSchedule schedule_;
  const bool karras_;
  SigmaPlan plan_;
  at::Tensor previous_original_;
};

}  // namespace

SchedulerEntry dpmpp_2m_scheduler() {
  return {"dpm++-2m",
          "DPM-Solver++ of second order, multistep (arXiv 2211.01095)",
          "DPMSolverMultistepScheduler",
          [](const NoiseSchedule& schedule, const SchedulerOptions& options) -> std::unique_ptr<Scheduler> {
            return std::make_unique<DpmSolverPp2m>(schedule, options);
          },
          {{"algorithm_type", "dpmsolver++"},
           {"solver_order", 2},
           {"solver_type", "midpoint"},
           {"lower_order_final", true},
           {"euler_at_final", false},
           {"lambda_min_clipped", nullptr}}};
}

}  // namespace ziplora
