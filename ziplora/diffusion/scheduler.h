#pragma once
/// Noise schedulers: from σ_max down to an image. A scheduler knows no model; the loop that calls it belongs
/// to pipeline/. One scheduler is one file and one line in schedulers.cpp.
///
///     std::unique_ptr<Scheduler> scheduler = make_scheduler("euler", schedule, {.karras_sigmas = true});
///     scheduler->set_steps(25);
///     sample = noise * scheduler->initial_noise_sigma();
///     for (size_t step = 0; step < scheduler->timesteps().size(); ++step)
///       sample = scheduler->step(predict(scheduler->scale_model_input(sample, step),
///       scheduler->timesteps()[step]),
///                                step, sample, row_generators);

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
  /// Plans a run and forgets the history of the last one.
  virtual void set_steps(int64_t num_inference_steps) = 0;
  /// What the model is told at each step (fractional for Karras sigmas).
  virtual const std::vector<double>& timesteps() const = 0;
  /// The start sample is unit noise times this.
  virtual double initial_noise_sigma() const = 0;
  virtual at::Tensor scale_model_input(const at::Tensor& sample, size_t step) const = 0;
  /// @param generators  one per row, for schedulers that add noise: rows get the same image alone or in a
  /// batch
  virtual at::Tensor step(const at::Tensor& noise_pred, size_t step, const at::Tensor& sample,
                          std::span<at::Generator> generators) = 0;
};

struct SchedulerEntry {
  const char* name;     ///< as on the command line: "ddim", "euler", "euler-ancestral", "dpm++-2m", "lcm"
  const char* summary;  ///< one line with the paper
  const char* diffusers_class;  ///< "EulerDiscreteScheduler", as scheduler_config.json names it
  std::unique_ptr<Scheduler> (*make)(const NoiseSchedule& schedule, const SchedulerOptions& options);
  /// Settings of that class which change the image and have one value here: field → value.
  nlohmann::json fixed_settings = nlohmann::json::object();
};

/// The list that help, validation, JSON and the contract tests iterate over.
const std::vector<SchedulerEntry>& schedulers();

/// @throws Error(kUsage) with "did you mean" for an unknown name
std::unique_ptr<Scheduler> make_scheduler(const std::string& name, const NoiseSchedule& schedule,
                                          const SchedulerOptions& options = {});

}  // namespace ziplora
