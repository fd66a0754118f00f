#pragma once
/// One training view of an image: perhaps mirrored, resized to cover the target size or more, then cropped.
/// The time ids that tell SDXL about the crop come with the pixels, so that a cut-off head is not learned as
/// the subject's look.
///
///     CroppedImage view = crop_view(image, {.target = {64, 64}, .crop = CropPosition::kRandom}, generator);
///     // time ids: original_height, original_width, crop_top, crop_left, target height, target width
///
/// Mirroring comes before cropping, so crop_left counts in the image as the model sees it (as in diffusers'
/// train_dreambooth_lora_sdxl.py).
///
/// `zoom` is for a style of which there is one image: a shape that is seen in parts, large and small, is not
/// learned, and colours and strokes are what the parts have in common.

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "ziplora/data/aspect_buckets.h"

namespace ziplora {

enum class CropPosition { kCenter, kRandom };
enum class Mirroring { kNever, kHalfTheTime };

struct CropViewOptions {
  ImageSize target;
  CropPosition crop = CropPosition::kCenter;
  Mirroring mirroring = Mirroring::kNever;
  /// At least 1: the image is resized to cover between once and `zoom` times the target, drawn uniformly.
  double zoom = 1;
};

struct CroppedImage {
  at::Tensor pixels;            ///< [3, target.height, target.width] float32 in 0…1
  ImageSize original;           ///< before resizing
  int64_t crop_top, crop_left;  ///< in pixels of the resized image
};

/// @param image      [3, H, W] float32 in 0…1
/// @param generator  gives four numbers whatever the options, so that switching one on does not change the
///                   others' draws
CroppedImage crop_view(const at::Tensor& image, const CropViewOptions& options, at::Generator generator);

}  // namespace ziplora
