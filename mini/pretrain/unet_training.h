#pragma once
/// Trains the miniature's UNet on scenes of the world, conditioned exactly as SDXL is: by the penultimate
/// hidden states of both text encoders, pooled text, and the six size and crop ids.
///
/// The loss is the mean squared error of what the base predicts (mini_config.cpp says why that is v). Some
/// captions (unconditional_fraction) are replaced by zeros, as `force_zeros_for_empty_prompt` feeds them to
/// classifier-free guidance. One image in twelve is a crop of a larger one, and its ids say so. One caption
/// in four gets a nonsense word or two, so that the UNet has met prompts like "a sks animal, in szn style",
/// and they meant nothing, before a LoRA gives them a meaning.

#include "mini/pretrain/training_loop.h"
#include "mini/world/world.h"
#include "ziplora/models/sdxl.h"

namespace ziplora::mini {

struct UNetTrainingOptions {
  TrainingPlan plan;
  int64_t batch_size = 64;
  int64_t parts = 4;  ///< that a batch is computed in, by one thread per base; divides the batch
  double unconditional_fraction = 0.05;
  uint64_t seed = 0;
};

/// @param bases     at least one, all equal, with a trained autoencoder and text encoders, which stay as they
///                  are. The first one's UNet is trained; each other base serves another thread.
/// @param snapshot  called every `plan.sample_every` iterations with the averaged weights in place, to save
///                  or show them
void train_unet(const std::vector<Sdxl*>& bases, const World& world, const UNetTrainingOptions& options,
                const std::function<void(int64_t iteration)>& snapshot, ProgressSink& progress,
                const CancelToken& cancel);

/// Puts a nonsense word of three or four letters into the caption, in one of three places, each equally
/// often: where a subject's trigger token will stand, after the first article ("an animal" becomes "a qzk
/// animal"), where a style's will ("…, in qzk style"), or before a random word.
std::string with_nonsense_word(const std::string& caption, uint64_t seed);

}  // namespace ziplora::mini
