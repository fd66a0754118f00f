#pragma once
/// Aspect-ratio buckets: the few image shapes of about equal area that training uses, so that a portrait is
/// not cut to a square and images of one shape still share a batch (SDXL, arXiv 2307.01952, section 2.3 and
/// appendix I).
///
///     std::vector<ImageSize> buckets = aspect_buckets({.resolution = 1024, .step = 64});
///     ImageSize bucket = buckets[nearest_bucket({.height = 3000, .width = 2000}, buckets)];   // 1216 × 832
///
/// The sizes and the choice are those of kohya-ss/sd-scripts: make_bucket_resolutions in
/// library/model_util.py and BucketManager.select_bucket (with upscaling) in library/train_util.py, so a data
/// set falls into the same buckets there and here.

#include <cstdint>
#include <vector>

#include "ziplora/io/image_size.h"

namespace ziplora {

struct AspectBucketOptions {
  /// Side of the square whose area no bucket exceeds.
  int64_t resolution = 1024;
  /// Sides are multiples of it; itself a multiple of the model's total downsampling.
  int64_t step = 64;
};

/// Every width in multiples of `step` with the tallest height that the area allows, and the same turned on
/// its side. No side is shorter than half the resolution or longer than twice (kohya's default limits, 256
/// and 1024 at 512). In order of width, then height; the square is among them.
/// @throws Error(kUsage) if resolution is not a positive multiple of step
std::vector<ImageSize> aspect_buckets(const AspectBucketOptions& options);

/// @return the index of the bucket of exactly this size, else of the one whose width / height differs least
size_t nearest_bucket(const ImageSize& image, const std::vector<ImageSize>& buckets);

}  // namespace ziplora
