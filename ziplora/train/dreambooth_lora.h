#pragma once
/// The DreamBooth LoRA training loop: batches in, a trained adapter out. It knows no files and no images;
/// batches come from a BatchSource, checkpoints and sample images go through hooks.
///
///     DreamBoothRun run(base.unet, schedule, options);
///     if (resuming) run.restore(read_checkpoint(path), path);
///     run.train([&](int64_t n) { return batches.batch(n); }, hooks, progress, cancel);
///     Adapter dog = run.adapter().snapshot();
///
/// The base's weights are frozen and get no gradient. Only the losses are read back to the CPU, every
/// kReportEvery iterations. Paper: DreamBooth (arXiv 2208.12242) on LoRA factors (arXiv 2106.09685), as in
/// diffusers' train_dreambooth_lora_sdxl.py. Proven by tests/parity/test_dreambooth.py against diffusers and
/// peft.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/base/save_clock.h"
#include "ziplora/optim/adam.h"
#include "ziplora/team/team.h"
#include "ziplora/train/checkpoint.h"
#include "ziplora/train/dreambooth_loss.h"
#include "ziplora/train/trainable_adapter.h"

namespace ziplora {

struct DreamBoothOptions {
  TrainableAdapterOptions adapter;
  DreamBoothLossOptions loss;
  AdamOptions adam{.lr = 5e-5};
  std::string lr_schedule = "constant";  ///< a name of lr_schedules()
  int64_t warmup = 0;                    ///< iterations over which the learning rate rises from 0
  int64_t iterations = 1000;
  int64_t gradient_accumulation = 1;  ///< batches in an iteration
  bool gradient_checkpointing = false;
  double max_grad_norm = 1.0;                      ///< 0: no clipping
  int64_t checkpoint_every = 0, sample_every = 0;  ///< iterations; 0: never
  double checkpoint_minutes = 0;                   ///< at least, between two by time; 0: never
  uint64_t seed = 0;                               ///< of the initial factors
};

struct DreamBoothHooks {
  /// Saves the state every `checkpoint_every` iterations and, marked `until_safe`, when the run is cancelled.
  std::function<void(const TrainingCheckpoint&)> save_checkpoint;
  /// Saves the state because some time has passed; marked `until_safe`.
  std::function<void(const TrainingCheckpoint&)> save_by_time;
  /// Draws an image; the slots hold the factors after `iteration` updates.
  std::function<void(int64_t iteration)> draw_sample;
  /// Called every kReportEvery iterations and after the last.
  std::function<void(int64_t iteration, const Metrics&)> record;
};

class DreamBoothRun {
 public:
  static constexpr int64_t kReportEvery = 10;

  /// @param unet, schedule  outlive this
  DreamBoothRun(UNet2DConditionModel& unet, const NoiseSchedule& schedule, const DreamBoothOptions& options);

  /// Goes on from a checkpoint. @throws Error(kIncompatible) if it does not fit
  void restore(const TrainingCheckpoint& checkpoint, const std::string& source);

  /// @throws Error(kNonFinite) if the loss or a factor is NaN or infinite, or the loss has diverged; no
  ///         checkpoint is saved after that, so the last one is from before it showed
  /// @throws Error(kInterrupted) when cancelled, after saving a checkpoint
  /// @param batches  of all processes together
  /// @param team     shares their rows; each process comes to the same factors. Only the leader's hooks are called
  void train(const BatchSource& batches, const DreamBoothHooks& hooks, ProgressSink& progress,
             const CancelToken& cancel, Team& team = nobody_else());

  /// For a caller that must not lose the work, whatever ended it.
  /// @return nothing if the factors are not those of a whole number of iterations, or not finite
  std::optional<TrainingCheckpoint> state_to_keep() const;

  const TrainableAdapter& adapter() const { return adapter_; }
  int64_t iteration() const { return iteration_; }
  /// The loss of each iteration that this object has done, in order.
  std::vector<double> losses() const;
  /// The same for the instance rows alone.
  std::vector<double> instance_losses() const;

 private:
  void one_iteration(const BatchSource& batches, Team& team);
  TrainingCheckpoint checkpoint(bool until_safe) const;
  void save_what_is_due(const DreamBoothHooks& hooks, SaveClock& clock, size_t reported) const;
  double mean_loss_since(size_t first) const;
  /// The name of the first factor that holds NaN or infinity.
  std::optional<std::string> non_finite_factor() const;
  void throw_if_not_finite() const;

  UNet2DConditionModel& unet_;
  const NoiseSchedule& schedule_;
  const DreamBoothOptions options_;
  TrainableAdapter adapter_;
  Adam optimizer_;
  int64_t iteration_ = 0;
  bool is_updating_ = false;  // between the optimizer's first change and the count of the iteration
  std::vector<at::Tensor> losses_, instance_losses_;  // [] each, on the device
};

}  // namespace ziplora
