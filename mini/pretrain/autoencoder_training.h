#pragma once
/// Trains the miniature's autoencoder on scenes of the world (loss: autoencoder_loss.h). Colours are permuted
/// and scaled at random, so that it can reproduce every hue of a held-out drawing.

#include "mini/pretrain/training_loop.h"
#include "mini/world/world.h"
#include "ziplora/models/autoencoder_kl.h"

namespace ziplora::mini {

struct AutoencoderTrainingOptions {
  TrainingPlan plan;
  int64_t batch_size = 8;         ///< more updates are worth more than smoother ones
  double window_fraction = 0.75;  ///< the first part of the run, which trains on windows of half the side
  double kl_weight = 1e-4;
  uint64_t seed = 0;
};

void train_autoencoder(AutoencoderKL& vae, const World& world, const AutoencoderTrainingOptions& options,
                       ProgressSink& progress, const CancelToken& cancel);

/// 1 / standard deviation of the latents' means over the world: what SDXL calls `scaling_factor`.
double measure_scaling_factor(const AutoencoderKL& vae, const World& world, uint64_t seed);

}  // namespace ziplora::mini
