#pragma once
/// Prompt to image: tokens → embeddings → denoising loop → image. Equals StableDiffusionXLPipeline of
/// diffusers from the same folder, prompt, initial noise and scheduler.
///
///     TextToImage pipeline(*base);
///     GeneratedImages out = pipeline.run({{.prompt = "a ghost at night", .seed = 1}}, {.steps = 25},
///     progress, cancel);

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/attach.h"
#include "ziplora/models/sdxl.h"

namespace ziplora {

/// One image. Rows of one run share steps and size, and may differ in everything else.
struct ImageRow {
  std::string prompt;
  std::optional<std::string>
      negative_prompt;  ///< absent: zeros if the base says so (force_zeros_for_empty_prompt)
  uint64_t seed = 0;
  std::vector<double> adapter_weights;  ///< one per attached adapter; empty: all 1
};

struct SamplingOptions {
  int64_t steps = 25;
  double guidance_scale = 5.0;  ///< 1 or less: no guidance, half the work
  double guidance_rescale = 0.0;
  std::string scheduler;  ///< a name of schedulers(); empty: the base's own
  bool karras_sigmas = false;
  int64_t height = 0, width = 0;  ///< pixels; 0: the base's default size
  int64_t batch_size = 4;         ///< rows in one forward pass
  bool vae_tiling =
      false;  ///< decode in overlapping tiles of the autoencoder's own size: less memory, faint seams
  at::Tensor initial_noise;  ///< [rows, C, h, w] of unit variance; undefined: drawn from each row's seed
};

struct GeneratedImages {
  at::Tensor images;   ///< [rows, 3, H, W] float32 in 0…1
  at::Tensor latents;  ///< [rows, C, h, w] float32
};

class TextToImage {
 public:
  /// @param attached  adapters in the base's slots, or nullptr; row weights are set per batch
  explicit TextToImage(const Sdxl& base, AttachedAdapters* attached = nullptr);
  GeneratedImages run(const std::vector<ImageRow>& rows, const SamplingOptions& options,
                      ProgressSink& progress, const CancelToken& cancel) const;

 private:
  const Sdxl& base_;
  AttachedAdapters* attached_;
};

}  // namespace ziplora
