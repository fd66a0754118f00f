#pragma once
/// Resizes 8-bit images to the very bytes of Pillow's Image.resize, through which CLIP, DINO and their kin see
/// images: antialiased, one pass over the width and one over the height, each rounded and clipped to 8 bits.
/// resize_image (io/image_resize.h) rounds nothing in between, so the two differ by some levels at sharp edges.
///
///     at::Tensor small = resize_as_pillow(pixels, 224, 298, PillowFilter::kBicubic);
///
/// Source: python-pillow/Pillow src/libImaging/Resample.c, of Pillow 13, for modes of 8 bits; before 13, the width came
/// first always, which changes a byte by one here and there. Proven: tests/parity/test_image_encoders.py.

#include <ATen/core/Tensor.h>

namespace ziplora {

/// The values are Pillow's codes, which preprocessor_config.json calls "resample".
enum class PillowFilter { kLanczos = 1, kBilinear = 2, kBicubic = 3 };

/// @param image  [C, H, W] uint8
/// @return       [C, height, width] uint8; the image itself if it has that size
at::Tensor resize_as_pillow(const at::Tensor& image, int64_t height, int64_t width, PillowFilter filter);

}  // namespace ziplora
