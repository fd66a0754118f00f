#pragma once
/// What reaches the adapters of each layer while the base draws under a context's prompts: the second moments
/// of z = down · x in the row space of all adapters' downs, stacked,
///
///     Z_c = E[z zᵀ]                    [R, R], R = Σ r_k
///
/// over tokens (convolution: places), images and steps. No ΔW and no Gram of the inputs is built: Z takes R²
/// numbers a layer, x xᵀ would take in². The images are begun from noise and drawn without guidance; recorded
/// is what passes on the way, so nothing is drawn first.
///
///     RowSpaceMoments moments = record_row_space(base, inputs, context, {.steps = 4}, seed, progress, cancel);
///
/// Source: SSR-Merge, arXiv 2606.10617, section 3.

#include <map>
#include <string>
#include <vector>

#include "ziplora/merge/prompt_context.h"

namespace ziplora {

struct RecordingOptions {
  /// Steps of the sampler, each recorded.
  int64_t steps = 4;
  /// Images that are begun in each context, at least one a prompt; they take its prompts in turn.
  int64_t images = 4;
  /// Sides in pixels; 0: the base's own.
  int64_t image_size = 0;
};

struct LayerMoments {
  /// [R, R] float64 on the CPU
  at::Tensor mean;
  /// How many it is the mean of.
  int64_t tokens = 0;
  /// One vector an image and step reaches the layer, as of the timestep's embedding.
  bool one_an_image = false;
};

/// By canonical target of the UNet.
using RowSpaceMoments = std::map<std::string, LayerMoments>;

/// @throws Error(kNonFinite) naming the layer, Error(kInterrupted), Error(kIncompatible) as AttachedAdapters
RowSpaceMoments record_row_space(Sdxl& base, const std::vector<MergeInput>& inputs,
                                 const PromptContext& context, const RecordingOptions& options, uint64_t seed,
                                 ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
