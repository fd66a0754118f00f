#pragma once
/// What reaches the adapters of each layer while the base draws under a context's prompts: second moments over tokens
/// (convolution: places), images and steps, either of the layer's inputs or of what all adapters' downs, stacked, pass
/// on of them:
///
///     S_c = E[x xᵀ]   [in, in]
///     Z_c = E[z zᵀ]   [R, R], z = down · x, R = Σ r_k
///
/// For Z no Gram of the inputs is built. Layers that see the same inputs, as q, k and v of a self-attention, share
/// one S. The images are begun from noise and drawn without guidance; recorded is what passes on the way, so nothing
/// is drawn first.
///
///     ContextMoments moments = record_moments(base, inputs, context, MomentsOf::kRowSpace, is_routed, {.steps = 4},
///                                             seed, progress, cancel);
///
/// Sources: S: RegMean, arXiv 2212.09849, section 3; Z: SSR-Merge, arXiv 2606.10617, section 3.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ziplora/merge/prompt_context.h"
#include "ziplora/team/team.h"

namespace ziplora {

struct RecordingOptions {
  /// Steps of the sampler, each recorded. They tell more than further images do (docs/performance.md).
  int64_t steps = 8;
  /// Images that are begun in each context, at least one a prompt; they take its prompts in turn.
  int64_t images = 1;
  /// Sides in pixels; 0: the base's own, at most 512: SDXL's 1024 takes four times as long.
  int64_t image_size = 0;
};

enum class MomentsOf { kInputs, kRowSpace };

struct LayerMoments {
  /// [in, in] or [R, R] float64, on the CPU
  at::Tensor mean;
  /// How many it is the mean of.
  int64_t tokens = 0;
  /// One vector an image and step reaches the layer, as of the timestep's embedding.
  bool one_an_image = false;
};

/// By canonical target of the UNet.
using ContextMoments = std::map<std::string, LayerMoments>;

/// Of the targets that the merge method changes; of kInputs no convolution.
using IsRecorded = std::function<bool(const std::string& target, bool is_convolution)>;

/// @param team  shares the images; each process gets the moments of all
/// @throws Error(kNonFinite) naming the layer, Error(kInterrupted), Error(kIncompatible) as AttachedAdapters
ContextMoments record_moments(Sdxl& base, const std::vector<MergeInput>& inputs, const PromptContext& context,
                              MomentsOf of, const IsRecorded& is_recorded, const RecordingOptions& options,
                              uint64_t seed, ProgressSink& progress, const CancelToken& cancel,
                              Team& team = nobody_else());

}  // namespace ziplora
