#pragma once
/// SDXL's size conditioning (arXiv 2307.01952, section 2.2): six numbers beside the prompt tell the UNet how large the
/// original of an image was, where it was cropped and how large the crop is.
///
///     at::Tensor ids = time_ids(uncropped(1024, 1024), 4);   // [4, 6]

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ziplora {

/// In pixels.
struct ImageFraming {
  int64_t original_height, original_width;
  int64_t crop_top, crop_left;
  int64_t target_height, target_width;
};

constexpr ImageFraming uncropped(int64_t height, int64_t width) {
  return {height, width, 0, 0, height, width};
}

/// @return [rows, 6] float32 on the CPU, the same in every row, in the order of the members of ImageFraming
at::Tensor time_ids(const ImageFraming& framing, int64_t rows = 1);

}  // namespace ziplora
