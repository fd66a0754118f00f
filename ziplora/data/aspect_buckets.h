#pragma once
/// Aspect-ratio buckets: the few picture shapes of about equal area that training uses, so that a portrait is
/// not cut to a square and pictures of one shape still share a batch (SDXL, arXiv 2307.01952, section 2.3 and
/// appendix I).
///
///     std::vector<ImageSize> buckets = aspect_buckets({.resolution = 1024, .step = 64});
///     ImageSize bucket = buckets[nearest_bucket({.height = 3000, .width = 2000}, buckets)];   // 1216 × 832

#include <cstdint>
#include <vector>

namespace ziplora {

struct ImageSize {
  int64_t height, width;  ///< pixels
  bool operator==(const ImageSize&) const = default;
};

struct AspectBucketOptions {
  int64_t resolution = 1024;  ///< side of the square whose area no bucket exceeds
  int64_t step = 64;       ///< sides are multiples of it; itself a multiple of the model's total downsampling
  double max_ratio = 4.0;  ///< longer side / shorter side
};

/// All sizes with sides in multiples of `step`, as tall as the area allows for their width and the other way
/// round; in order of width, the square included.
/// @throws Error(kUsage) if resolution is no positive multiple of step or max_ratio is below 1
std::vector<ImageSize> aspect_buckets(const AspectBucketOptions& options);

/// @return the index of the bucket whose ratio differs by the smallest factor
size_t nearest_bucket(const ImageSize& image, const std::vector<ImageSize>& buckets);

}  // namespace ziplora
