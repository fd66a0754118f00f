#pragma once
/// The loop that trains every part of the base: AdamW or Muon, warm-up and final decay, gradient clipping,
/// averaged weights, checkpoints that resume exactly, sample sheets, metrics. The caller decides what is
/// learned from what.
///
///     const TrainingPlan plan{.name = "unet", .run_folder = "runs/base", .iterations = 20000, .lr = 8e-4};
///     train_stage(plan, {{"unet", &unet}},
///                 [&](int64_t iteration) { return TrainingStep{loss, {{"mse", value}}}; },
///                 sample, progress, cancel);
///     // the modules now hold the averaged weights
///
/// Images go in as `as_input(x, plan)`: in the working dtype, channels last, which makes convolutions
/// fastest.
///
/// Every random draw of a step must come from `iteration` alone (derive_seed), so that a resumed run ends
/// like an uninterrupted one.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/nn/module.h"

namespace ziplora::mini {

struct TrainingPlan {
  std::string name;
  /// Holds <name>.checkpoint.safetensors, <name>.metrics.jsonl (one line per iteration: loss, lr, seconds,
  /// the step's own metrics) and samples/.
  std::filesystem::path run_folder;
  int64_t iterations = 0;
  double lr = 1e-3;
  std::string lr_flag;  ///< the flag that sets it, for hints; empty: there is none
  int64_t warmup_iterations = 100;
  /// The last part of the run, in which the rate falls linearly to a hundredth.
  double decay_fraction = 0.25;
  double beta2 = 0.99;
  bool muon = false;  ///< matrices learn by Muon; else everything by AdamW
  double weight_decay = 0.0;
  double max_gradient_norm = 1.0;
  double ema_decay = 0.999;
  int64_t checkpoint_every = 250;
  int64_t sample_every = 0;  ///< 0: never
  /// Of the weights in forward and backward passes. bfloat16 doubles the speed on processors that multiply it
  /// (AVX512-BF16, AMX) and is far slower on others; the optimizer and the averages keep float32 masters.
  at::ScalarType working_dtype = at::kFloat;
};

struct TrainingStep {
  at::Tensor loss;  ///< scalar with gradient
  Metrics metrics;
};

/// The learning rate at an iteration of a plan.
double learning_rate(const TrainingPlan& plan, int64_t iteration);

/// x in the plan's working dtype; [B, C, H, W] in channels-last order.
at::Tensor as_input(const at::Tensor& x, const TrainingPlan& plan);

/// A copy of the trained modules, on which one thread computes gradients.
struct Replica {
  std::map<std::string, Module*> modules;  ///< by the name that their parameters get in the checkpoint
  /// The loss of one part of an iteration's batch on these modules; every draw comes from the two numbers
  /// alone.
  std::function<TrainingStep(int64_t iteration, int64_t part)> step;
};

/// Each iteration's batch is computed in `parts` of equal weight, by one thread per replica; the result does
/// not depend on which thread took which part.
/// @param replicas  at least one; the first one ends with the averaged weights
/// @param sample    called with the averaged weights in place
/// @throws Error(kInterrupted) after saving a checkpoint; Error(kNonFinite) if the loss is not finite, with
///         the step and what to change
void train_stage(const TrainingPlan& plan, const std::vector<Replica>& replicas, int64_t parts,
                 const std::function<void(int64_t iteration)>& sample, ProgressSink& progress,
                 const CancelToken& cancel);

/// The same with one replica and undivided batches.
void train_stage(const TrainingPlan& plan, const std::map<std::string, Module*>& modules,
                 const std::function<TrainingStep(int64_t iteration)>& step,
                 const std::function<void(int64_t iteration)>& sample, ProgressSink& progress,
                 const CancelToken& cancel);

}  // namespace ziplora::mini
