#pragma once
/// The use case behind `ziplora pretrain`: the embedded base from nothing, stage by stage, resumable.
///
///     run_pretrain({.run_folder = "runs/base", .output = "assets/mini"}, progress, cancel);
///
/// Renders the emoji world first where that has not been done. The library leaves out installing the drawings
/// (mini/tools/world_packages.sh).

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora::mini {

struct WorldPlace {
  std::filesystem::path assets = "mini/assets";  ///< catalogue, committed
  std::filesystem::path cache = ".cache/world";  ///< packages and rendered drawings, made anew anywhere
};

struct PretrainRequest {
  WorldPlace world;
  std::filesystem::path run_folder = "runs/base";
  std::filesystem::path output;  ///< diffusers folder to export to; empty: leave it in <run_folder>/base
  std::filesystem::path from;    ///< a finished base to go on training; empty: from nothing
  uint64_t seed = 0;
  int64_t autoencoder_iterations = 6000, contrastive_iterations = 3000, judge_iterations = 8000,
          unet_iterations = 20000;
  double unet_learning_rate = 6e-4;
  int64_t threads = 1;
  int64_t checkpoint_every = 500, sample_every = 1000, validation_scenes = 128;
  bool bfloat16 = false;  ///< twice as fast where the processor multiplies bfloat16, hopeless elsewhere
};

/// @return stages with what each reached
/// @throws Error(kInput) if the drawings are not installed, Error(kInterrupted) with a checkpoint saved
nlohmann::json run_pretrain(const PretrainRequest& request, ProgressSink& progress,
                            const CancelToken& cancel);

}  // namespace ziplora::mini
