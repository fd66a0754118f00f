#pragma once
/// The timesteps and noise levels that a run of n steps visits. Spacings: Table 2 of arXiv 2305.08891;
/// Karras: eq. 5 of arXiv 2206.00364 with ρ = 7. Details such as rounding and DPM-Solver's extra point differ
/// between diffusers' classes; each plan equals that of its class in diffusers 0.42
/// (tests/parity/test_schedulers.py).
///
///     SigmaPlan plan = plan_euler_sigmas(schedule, 25, /*karras=*/true);  // plan.sigmas.size() == 26

#include <cstdint>
#include <string>
#include <vector>

#include "ziplora/diffusion/noise_schedule.h"

namespace ziplora {

struct SigmaPlan {
  std::vector<double> timesteps;  ///< n, falling; the model's input
  std::vector<float> sigmas;      ///< n + 1, falling to 0
};

/// @throws Error(kUsage) unless 1 ≤ steps ≤ limit
void check_steps(const std::string& scheduler, int64_t steps, int64_t limit);

/// n rounded timesteps, falling, as in DDIMScheduler.
std::vector<int64_t> plan_discrete_timesteps(const NoiseScheduleConfig& config, int64_t steps);

/// As in EulerDiscreteScheduler: fractional linspace, Karras between the plan's own ends.
SigmaPlan plan_euler_sigmas(const NoiseSchedule& schedule, int64_t steps, bool karras);

/// As in DPMSolverMultistepScheduler: n + 1 points without the last one, Karras between the schedule's ends.
SigmaPlan plan_dpm_solver_sigmas(const NoiseSchedule& schedule, int64_t steps, bool karras);

}  // namespace ziplora
