#pragma once
/// What the autoencoder of the miniature learns from, x the image and x̂ what is decoded:
///
///     mean |x̂ − x| + 2 · mean (x̂ − x)² + ½ · mean |∇x̂ − ∇x| + β · KL(q(z|x) ‖ N(0, 1)) per latent value
///
/// The difference of neighbouring pixels (∇; down and across, a mean of each) keeps the drawings' edges sharp
/// and their flat areas flat; there is no adversary.

#include <ATen/core/Tensor.h>

#include "ziplora/models/autoencoder_kl.h"

namespace ziplora::mini {

struct AutoencoderLoss {
  at::Tensor total, mse, kl;  ///< scalars; the parts before they are weighted
};

/// @param decoded, images  [B, 3, H, W]
/// @param kl_weight        β
AutoencoderLoss autoencoder_loss(const at::Tensor& decoded, const at::Tensor& images,
                                 const LatentDistribution& latents, double kl_weight);

}  // namespace ziplora::mini
