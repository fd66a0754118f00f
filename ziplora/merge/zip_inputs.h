#pragma once
/// What zip learns on: noisy latents x_c and prompt p_c of each context, that is of each adapter and, if it counts,
/// of the joint prompt. The latents come from the user's
/// images or, by default, from images that adapter k itself draws from p_k, because nobody who downloads a
/// LoRA has its training images. If an adapter has several prompts, its images take them in turn. Drawn
/// latents are used as they are, without a round trip through the autoencoder.
///
///     ZipInputs inputs(base, merge_inputs, contexts, {.images = 4}, seed, progress, cancel);
///     ZipBatch batch = inputs.training_batch(17);   // fresh image, noise and timestep for each row
///
/// A batch is a pure function of seed, context and iteration, so resuming is exact. A team draws the images together, and
/// each process gets its own rows of the batch that one process would have.

#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/diffusion/noise_schedule.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/prompt_context.h"
#include "ziplora/merge/zip_objective.h"
#include "ziplora/team/team.h"

namespace ziplora {

struct ZipInputOptions {
  /// Drawn in each context that has none of its own, at least one for each of its prompts.
  int64_t images = 4;
  int64_t image_steps = 20;
  double image_guidance_scale = 5.0;
  /// Sides in pixels; absent: the base's own size.
  std::optional<int64_t> image_size = {};
  /// Images of each context in one batch, of all processes together: a multiple of their number.
  int64_t rows_each = 1;
};

/// Needs no base, so a missing prompt is reported before one is loaded.
/// @throws Error(kUsage) naming the first input without a prompt, or with more prompts than images of its own
void require_prompts(const std::vector<MergeInput>& inputs);

class ZipInputs {
 public:
  /// Encodes the prompts, and the images that `kept_latents` lacks.
  /// @param contexts      the inputs' own, in their order, and then the joint ones if they count
  /// @param kept_latents  `latents.<c>` of an interrupted run
  /// @param team          outlives this
  /// @throws Error(kUsage) as require_prompts and require_shares, and for an image size that the base cannot draw
  ZipInputs(Sdxl& base, const std::vector<MergeInput>& inputs, const std::vector<PromptContext>& contexts,
            const ZipInputOptions& options, uint64_t seed, ProgressSink& progress, const CancelToken& cancel,
            const NamedTensors& kept_latents = {}, Team& team = nobody_else());

  ZipBatch training_batch(int64_t iteration) const;
  /// Fixed draws for measuring, with evenly spread timesteps; training sees none of them.
  ZipBatch evaluation_batch(int64_t draw, int64_t draws) const;

  /// `latents.<c>` → [n, C, h, w] float32
  NamedTensors latents() const;

 private:
  void encode_prompts(Sdxl& base, const std::vector<MergeInput>& inputs,
                      const std::vector<PromptContext>& contexts, ProgressSink& progress);
  at::Tensor encode_images(const Sdxl& base, const MergeInput& input, ProgressSink& progress,
                           const CancelToken& cancel) const;
  void draw_images(Sdxl& base, const std::vector<MergeInput>& inputs,
                   const std::vector<PromptContext>& contexts, ProgressSink& progress,
                   const CancelToken& cancel);
  ZipBatch batch(const std::string& purpose, std::optional<int64_t> timestep) const;

  NoiseSchedule schedule_;
  ZipInputOptions options_;
  int64_t image_size_;
  uint64_t seed_;
  DevicePolicy policy_;
  Team& team_;
  std::vector<at::Tensor> latents_;     // by context: [n, C, h, w]
  std::vector<int64_t> first_prompt_;   // by context: its first row in the following; one more than contexts
  UNetConditioning merged_, separate_;  // a row for every prompt
};

}  // namespace ziplora
