#pragma once
/// Trains the miniature from scratch, stage by stage, into a diffusers folder:
///
///     vocabulary → autoencoder → text encoders (contrastive, with the image encoder)
///                → a place for unheard tokens → judge → UNet → export
///
///     pretrain_base({.run_folder = "runs/base"}, world, progress, cancel);   // run it again to go on
///     export_base("runs/base", "assets/mini", at::kHalf, cancel);
///
/// `from` starts a fresh run folder with a copy of that base and of the judge beside it. Its vocabulary,
/// autoencoder and text encoders stay, except for tokens that are in no caption; the judge and the UNet go on
/// training from their weights with new optimizers.
///
/// A stage is done, and is not repeated, once its component is in <run>/base or it has left a file such as
/// unet.done. An interrupted stage goes on from its checkpoint. The result depends only on the seed, the
/// world and the options.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "mini/world/world.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/nn/module.h"

namespace ziplora::mini {

struct PretrainOptions {
  std::filesystem::path run_folder = "runs/base";
  std::filesystem::path from;  ///< a finished base to go on training; empty: from scratch
  uint64_t seed = 0;
  int64_t autoencoder_iterations = 6000;
  int64_t contrastive_iterations = 3000;
  int64_t judge_iterations = 8000;  ///< 0: the judge stays as it is
  int64_t unet_iterations = 20000;  ///< 0: the UNet stays as it is
  /// The highest rate. A trained UNet at first loses what the last run won while its rate was falling, and
  /// wins it back when this run's rate falls: a run should have thousands of iterations.
  double unet_learning_rate = 6e-4;
  /// Scenes in a batch of the text encoders, the judge and the UNet, a multiple of 4; absent: 128, 128 and 64,
  /// for which the learning rates are chosen. The autoencoder's batches have 8.
  std::optional<int64_t> batch_size;
  /// For the judge and the UNet: each thread has a model of its own and runs PyTorch's operations alone. 1:
  /// one model and PyTorch's own threads.
  int64_t threads = 1;
  int64_t checkpoint_every = 500;
  int64_t sample_every = 1000;
  int64_t sample_steps = 25;  ///< of denoising, for sample sheets and the Fréchet distance
  /// How many unseen scenes measure the UNet's progress, before training and at every sample: squared errors
  /// and, if there is a judge, the Fréchet distance, recorded in the run folder's unet.validation.jsonl. 0:
  /// none; 1 is too few for a distance.
  int64_t validation_scenes = 128;
  /// Forward and backward passes in bfloat16: twice as fast on processors that multiply it, far slower on
  /// others.
  bool bfloat16 = false;
};

/// @throws Error(kUsage) if the batch size is no multiple of 4; as train_stage
void pretrain_base(const PretrainOptions& options, const World& world, ProgressSink& progress,
                   const CancelToken& cancel);

/// Copies <run>/base to `folder` with weights in `dtype`, and the run's judge (judge/image_judge.h), if any,
/// to judges/clip beside it. Nothing appears there before all of it is complete; other files there, such as a
/// model card, stay.
/// @throws as AtomicFolder; Error(kInterrupted) and Error(kExhausted) with nothing changed there
void export_base(const std::filesystem::path& run_folder, const std::filesystem::path& folder,
                 at::ScalarType dtype, const CancelToken& cancel);

/// Writes config.json and the weights file of one component.
void save_component(const std::filesystem::path& folder, const std::string& weights_name, Module& module,
                    const nlohmann::json& config, at::ScalarType dtype);

}  // namespace ziplora::mini
