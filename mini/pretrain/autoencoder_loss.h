#pragma once
/// The loss of the miniature's autoencoder, where x is the image and x̂ the decoded one:
///
///     mean |x̂ − x| + 2 · mean (x̂ − x)² + ½ · mean |∇x̂ − ∇x| + β · KL(q(z|x) ‖ N(0, 1))
///
/// KL is per latent value. ∇ is the difference of neighbouring pixels (down and across, a mean of each); it
/// keeps the drawings' edges sharp and their flat areas flat. There is no adversary.

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
