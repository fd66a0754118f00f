#pragma once
/// Trains the UNet of the miniature on scenes of the world, conditioned exactly as SDXL is: the penultimate
/// hidden states of both text encoders, pooled text, and the six size and crop ids.
///
/// Loss: mean squared error of what the base predicts (mini_config.cpp says why that is v). One caption in
/// ten is replaced by zeros, as `force_zeros_for_empty_prompt` feeds them to classifier-free guidance. One
/// image in twelve is a crop of a larger one, and its ids say so. One caption in four gets a nonsense word
/// or two, so that "a sks animal, in szn style" is something the UNet has met, and that meant nothing, before
/// a LoRA gives it a meaning.

#include "mini/pretrain/training_loop.h"
#include "mini/world/world.h"
#include "ziplora/models/sdxl.h"

namespace ziplora::mini {

struct UNetTrainingOptions {
  TrainingPlan plan;
  int64_t batch_size = 64;
  int64_t parts = 4;  ///< what a batch is computed in, by one thread per base; divides the batch
  double unconditional_fraction = 0.05;
  uint64_t seed = 0;
};

/// @param bases     at least one, all equal. Autoencoder and text encoders are trained and stay as they are;
/// the first one's UNet is trained, the others are for as many more threads
/// @param snapshot  called every `plan.sample_every` iterations with the averaged weights in place, to save
/// or show them
void train_unet(const std::vector<Sdxl*>& bases, const World& world, const UNetTrainingOptions& options,
                const std::function<void(int64_t iteration)>& snapshot, ProgressSink& progress,
                const CancelToken& cancel);

/// Puts a nonsense word of three or four letters into the caption, each place as often: where a subject's
/// trigger token will stand, behind the first article ("an animal" becomes "a qzk animal"), where a style's
/// will ("…, in qzk style"), or before a random word.
std::string with_nonsense_word(const std::string& caption, uint64_t seed);

}  // namespace ziplora::mini
