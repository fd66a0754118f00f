#pragma once
/// Resizes images by antialiased bicubic filtering, as Pillow's Image.BICUBIC does, which diffusers' training
/// scripts and CLIP's preprocessing use.
///
///     at::Tensor small = resize_image(image, 64, 64);
///     at::Tensor square = center_crop(resize_to_cover(image, 64, 64), 64, 64);

#include <ATen/core/Tensor.h>

namespace ziplora {

/// @param image  [C, H, W] float32 in 0…1
/// @return       [C, height, width], clamped to 0…1 (the filter overshoots at edges)
at::Tensor resize_image(const at::Tensor& image, int64_t height, int64_t width);

/// The smallest image of the same proportions that covers height × width.
at::Tensor resize_to_cover(const at::Tensor& image, int64_t height, int64_t width);

/// @throws Error(kInternal) if the image is smaller
at::Tensor center_crop(const at::Tensor& image, int64_t height, int64_t width);

}  // namespace ziplora
