#pragma once
/// Trains the autoencoder of the miniature on scenes of the world.
///
/// Loss per picture: mean |x − x̂| + 2 · mean (x − x̂)² + ½ · mean |∇x − ∇x̂| + β · KL(q(z|x) ‖ N(0, 1)) per
/// latent value. The difference of neighbouring pixels (∇) keeps the drawings' edges sharp and their flat
/// areas flat; there is no adversary. Colours are permuted and scaled at random, so that every hue of a
/// held-out drawing is within reach.

#include "ziplora/models/autoencoder_kl.h"
#include "ziplora/pretrain/training_loop.h"
#include "ziplora/world/world.h"

namespace ziplora {

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

}  // namespace ziplora
