#pragma once
/// What images look like while they are still being denoised: the x_0 that the model predicts at a step, made visible.
///
///     const LatentPreviews previews(base, 5, [](const LatentPreview& preview) { … });
///     previews.show(first_row, step, timestep, model_input, noise_pred);   // in the loop, after each step
///
/// Nothing that makes the images is touched, so they stay what they are without previews.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "ziplora/models/sdxl.h"

namespace ziplora {

class NoiseSchedule;

struct LatentPreview {
  int64_t row;          ///< of the run
  int64_t step, steps;  ///< how far its denoising is
  at::Tensor image;     ///< [3, H, W] float32 in 0…1, at most 128 pixels on a side
};

using PreviewSink = std::function<void(const LatentPreview&)>;

/// Latents in SDXL's space become colours by the linear map that diffusers documents ("Display image after each
/// generation step" in its page on pipeline callbacks; T. A. Vass, "Explaining the SDXL latent space"), one pixel for
/// each latent. Another autoencoder decodes them: the miniature's takes milliseconds.
/// @param latents  [1, C, h, w] float32, as the UNet sees clean ones
/// @return         [3, H, W] float32 in 0…1
at::Tensor visible_latents(const AutoencoderKL& vae, const at::Tensor& latents);

/// The x_0 that a prediction stands for (DDPM, arXiv 2006.11239, eq. 4, solved for x_0; for v arXiv 2202.00512).
/// @param input     what the model was given, of unit variance
/// @param timestep  may be fractional: ᾱ is interpolated
at::Tensor predicted_clean_latents(const NoiseSchedule& schedule, const at::Tensor& noise_pred,
                                   const at::Tensor& input, double timestep);

class LatentPreviews {
 public:
  /// @param every  steps between two previews of an image; 0: none
  /// @throws Error(kUsage) if it is negative
  LatentPreviews(const Sdxl& base, int64_t every, size_t steps, PreviewSink sink);
  ~LatentPreviews();

  /// Hands on one preview for each row of the batch if this step is due. After the last step there is none: the
  /// image itself follows.
  /// @param step  counts from 0
  void show(int64_t first_row, size_t step, double timestep, const at::Tensor& input,
            const at::Tensor& noise_pred) const;

 private:
  const Sdxl& base_;
  int64_t every_, steps_;
  PreviewSink sink_;
  std::unique_ptr<NoiseSchedule> schedule_;
};

}  // namespace ziplora
