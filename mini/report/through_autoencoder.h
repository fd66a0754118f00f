#pragma once
/// What a base's autoencoder leaves of images: the most that its UNet can reach.
///
///     const at::Tensor decoded = through_autoencoder(base.vae, images);

#include <ATen/core/Tensor.h>

#include "ziplora/models/autoencoder_kl.h"

namespace ziplora::mini {

/// Encodes to the mean latents and decodes them, a few images at a time.
/// @param images  [N, 3, S, S] float32 in 0…1
/// @return the same shape and range
at::Tensor through_autoencoder(const AutoencoderKL& vae, const at::Tensor& images);

}  // namespace ziplora::mini
