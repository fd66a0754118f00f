#pragma once
/// Noise schedulers lead from σ_max down to an image. A scheduler knows nothing of models; the loop that
/// calls it is in pipeline/. A new scheduler is one file and one line in schedulers.cpp.
///
///     std::unique_ptr<Scheduler> scheduler = make_scheduler("euler", schedule, {.karras_sigmas = true});
///     scheduler->set_steps(25);
///     sample = noise * scheduler->initial_noise_sigma();
///     size_t step = 0;
///     for (const double timestep : scheduler->timesteps()) {
///       const at::Tensor noise_pred = predict(scheduler->scale_model_input(sample, step), timestep);
///       sample = scheduler->step(noise_pred, step, sample, row_generators);
///       ++step;
///     }

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ziplora/diffusion/noise_schedule.h"

namespace ziplora {

struct SchedulerOptions {
  bool karras_sigmas = false;
  double eta = 0.0;  ///< DDIM's η; Euler ancestral always uses 1
};

class Scheduler {
 public:
  virtual ~Scheduler() = default;
  /// Plans a run and forgets the history of the previous one.
  virtual void set_steps(int64_t num_inference_steps) = 0;
  /// The timestep that the model gets at each step (fractional for Karras sigmas).
  virtual const std::vector<double>& timesteps() const = 0;
  /// The start sample is unit noise times this.
  virtual double initial_noise_sigma() const = 0;
  virtual at::Tensor scale_model_input(const at::Tensor& sample, size_t step) const = 0;
  /// @param generators  one per row, for schedulers that add noise, so that a row gets the same image alone
  ///                    or in a batch
  virtual at::Tensor step(const at::Tensor& noise_pred, size_t step, const at::Tensor& sample,
                          std::span<at::Generator> generators) = 0;
};

struct SchedulerEntry {
  const char* name;             ///< "ddim", "euler", "euler-ancestral", "dpm++-2m", "lcm"
  const char* summary;          ///< one line with the paper
  const char* diffusers_class;  ///< "EulerDiscreteScheduler", as scheduler_config.json names it
  std::unique_ptr<Scheduler> (*make)(const NoiseSchedule& schedule, const SchedulerOptions& options);
  /// Settings of that class that change the image and of which we support one value: field → value.
  nlohmann::json fixed_settings = nlohmann::json::object();
};

/// The list that help, validation and the contract tests iterate over.
const std::vector<SchedulerEntry>& schedulers();

/// @throws Error(kUsage) for an unknown name, with the nearest one in its hint
std::unique_ptr<Scheduler> make_scheduler(const std::string& name, const NoiseSchedule& schedule,
                                          const SchedulerOptions& options = {});

}  // namespace ziplora
