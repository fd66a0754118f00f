#pragma once
/// Trains the autoencoder of the miniature on scenes of the world.
/// Colours are permuted and scaled at random, so that every hue of a held-out drawing is within reach. The
/// loss: autoencoder_loss.h.

#include "mini/pretrain/training_loop.h"
#include "mini/world/world.h"
#include "ziplora/models/autoencoder_kl.h"

namespace ziplora::mini {

struct AutoencoderTrainingOptions {
  TrainingPlan plan;
  int64_t batch_size = 8;         ///< more updates matter more than smoother ones
  double window_fraction = 0.75;  ///< the first part of the run, which sees windows of half the side
  double kl_weight = 1e-4;
  uint64_t seed = 0;
};

void train_autoencoder(AutoencoderKL& vae, const World& world, const AutoencoderTrainingOptions& options,
                       ProgressSink& progress, const CancelToken& cancel);

/// 1 / standard deviation of the latents' means over the world: what SDXL calls `scaling_factor`.
double measure_scaling_factor(const AutoencoderKL& vae, const World& world, uint64_t seed);

}  // namespace ziplora::mini
