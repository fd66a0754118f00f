#pragma once
/// Trains the embedded base from nothing, stage by stage, into a diffusers folder:
///
///     vocabulary → autoencoder → text encoders (contrastive, with the image encoder) → a place for unheard
///     tokens → judge → UNet → export
///
///     pretrain_base({.run_folder = "runs/base"}, world, progress, cancel);   // run it again to go on
///     export_base("runs/base", "assets/mini", at::kHalf, cancel);
///
/// `from` starts a fresh run folder with a copy of that base, and of the judge beside it: its vocabulary,
/// autoencoder and text encoders stay but for tokens that no caption holds, the judge's and the UNet's
/// training go on from their weights with new optimizers.
///
/// A stage whose component lies in <run>/base, or which left a file such as unet.done, is done and is not
/// repeated; an interrupted one goes on from its checkpoint. The whole is a function of the seed, the world
/// and the plan.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "mini/world/world.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/nn/module.h"

namespace ziplora::mini {

struct PretrainOptions {
  std::filesystem::path run_folder = "runs/base";
  std::filesystem::path from;  ///< a finished base to go on training; empty: from nothing
  uint64_t seed = 0;
  int64_t autoencoder_iterations = 6000;
  int64_t contrastive_iterations = 3000;
  int64_t judge_iterations = 8000;  ///< 0: the judge stays as it is
  int64_t unet_iterations = 20000;  ///< 0: the UNet stays as it is
  /// At its highest. A UNet that is trained loses at first, at any such rate, what the last run's falling
  /// rate had won, and has it back when this run's rate falls: a run should be of thousands of iterations.
  double unet_learning_rate = 6e-4;
  /// Of the judge's and the UNet's stage, each with a model of its own and PyTorch's operations in one
  /// thread; 1: PyTorch's threads.
  int64_t threads = 1;
  int64_t checkpoint_every = 500;
  int64_t sample_every = 1000;
  /// Unseen scenes by which unet.validation.jsonl in the run folder records the UNet's course, before it and
  /// at every sample: squared errors, and where there is a judge, the Fréchet distance. Not 1; 0: none.
  int64_t validation_scenes = 128;
  /// Forward and backward passes in bfloat16: twice as fast where the processor multiplies it, hopeless
  /// elsewhere.
  bool bfloat16 = false;
};

void pretrain_base(const PretrainOptions& options, const World& world, ProgressSink& progress,
                   const CancelToken& cancel);

/// Copies <run>/base to `folder` with weights in `dtype`, and the judge (judge/image_judge.h), where the
/// run has one, to judges/clip beside it. All is whole before any of it appears there; other files that are
/// there, such as a card, stay.
/// @throws as AtomicFolder; Error(kInterrupted) and Error(kExhausted) with nothing changed there
void export_base(const std::filesystem::path& run_folder, const std::filesystem::path& folder,
                 at::ScalarType dtype, const CancelToken& cancel);

/// Writes config.json and the weights file of one component.
void save_component(const std::filesystem::path& folder, const std::string& weights_name, Module& module,
                    const nlohmann::json& config, at::ScalarType dtype);

}  // namespace ziplora::mini
