#pragma once
/// From prompt to image: tokens → embeddings → denoising loop → image. Equals diffusers'
/// StableDiffusionXLPipeline for the same folder, prompt, initial noise and scheduler.
///
///     const TextToImage pipeline(*base);
///     const ImageRow row{.prompt = "a ghost at night", .seed = 1};
///     const GeneratedImages out = pipeline.run({row}, {.steps = 25}, progress, cancel);

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/attach.h"
#include "ziplora/models/sdxl.h"
#include "ziplora/pipeline/latent_preview.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {

/// One image. The rows of a run share its SamplingOptions and may differ in everything else.
struct ImageRow {
  std::string prompt;
  /// Absent: zeros if the base says so (force_zeros_for_empty_prompt), else the empty prompt.
  std::optional<std::string> negative_prompt;
  uint64_t seed = 0;
  /// One per attached adapter; empty: all 1.
  std::vector<double> adapter_weights;
};

struct SamplingOptions {
  int64_t steps = 25;
  /// 1 or less: no guidance, half the work.
  double guidance_scale = 5.0;
  /// 0 to 1, see guide().
  double guidance_rescale = 0.0;
  /// A name from schedulers(); empty: the base's own.
  std::string scheduler;
  bool karras_sigmas = false;
  /// Pixels; 0: the base's default size.
  int64_t height = 0, width = 0;
  /// Rows in one forward pass, those counted in which a strategy draws an image.
  int64_t batch_size = 4;
  /// Decode in overlapping tiles of the autoencoder's own size: less memory, faint seams.
  bool vae_tiling = false;
  /// False: latents alone.
  bool decode = true;
  /// [rows, C, h, w] of unit variance; undefined: drawn from the seed of each row.
  at::Tensor initial_noise;
  /// Every so many steps each image of the batch goes to `on_preview`, as far as it is; 0: never.
  int64_t preview_every = 0;
  PreviewSink on_preview;
  /// The operation, for errors.
  std::string where = "generate";
};

struct GeneratedImages {
  at::Tensor images;   ///< [rows, 3, H, W] float32 in 0…1; undefined without `decode`
  at::Tensor latents;  ///< [rows, C, h, w] float32
};

class TextToImage {
 public:
  /// @param attached  adapters in the base's slots, or nullptr; their row weights are set for each batch
  /// @param strategy  how these take part in each step; nullptr: as the rows weigh them. Made of them, in order.
  explicit TextToImage(const Sdxl& base, AttachedAdapters* attached = nullptr, Strategy* strategy = nullptr);
  /// @throws Error(kUsage) for options out of range, Error(kInput) if the base's own scheduler is not
  ///         supported, Error(kNonFinite) if the latents overflow
  GeneratedImages run(const std::vector<ImageRow>& rows, const SamplingOptions& options,
                      ProgressSink& progress, const CancelToken& cancel) const;

 private:
  const Sdxl& base_;
  AttachedAdapters* attached_;
  Strategy* strategy_;
};

}  // namespace ziplora
