#pragma once
/// Classifier-free guidance (arXiv 2207.12598) and its rescaling (arXiv 2305.08891, section 3.4), as
/// diffusers' pipelines and `rescale_noise_cfg` compute them.
///
///     at::Tensor guided = guide(unet_output, 5.0, 0.7);  // unet_output: [2B, …], unconditional rows first

#include <ATen/core/Tensor.h>

namespace ziplora {

/// uncond + guidance_scale (cond − uncond), then blended with a copy whose deviation per row is that of cond.
/// @param noise_pred        [2B, C, h, w], the B unconditional rows first
/// @param guidance_rescale  φ in 0…1; 0 does not rescale
/// @return                  [B, C, h, w]
at::Tensor guide(const at::Tensor& noise_pred, double guidance_scale, double guidance_rescale);

}  // namespace ziplora
