#include "ziplora/data/aspect_buckets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "ziplora/base/error.h"

namespace ziplora {

std::vector<ImageSize> aspect_buckets(const AspectBucketOptions& options) {
  const auto [resolution, step] = options;
  if (step <= 0 || resolution <= 0 || resolution % step != 0)
    throw Error(
        ErrorKind::kUsage, "aspect-ratio buckets",
        fmt::format("the resolution {} is not a positive multiple of the bucket step {}", resolution, step),
        "round the resolution to a multiple of the step");
  const auto rounded_down = [step = step](int64_t side) { return side / step * step; };
  std::set<std::pair<int64_t, int64_t>> sizes;  // (width, height)
  // Both ways round: 1536 leads to 640, but 640 leads to 1600.
  for (int64_t side = step; side <= 2 * resolution; side += step) {
    const int64_t other = rounded_down(resolution * resolution / side);
    if (2 * std::min(side, other) < resolution) continue;
    sizes.insert({side, other});
    sizes.insert({other, side});
  }
  std::vector<ImageSize> buckets;
  for (const auto& [width, height] : sizes) buckets.push_back({height, width});
  return buckets;
}

size_t nearest_bucket(const ImageSize& image, const std::vector<ImageSize>& buckets) {
  const auto ratio = [](const ImageSize& size) {
    return static_cast<double>(size.width) / static_cast<double>(size.height);
  };
  const auto distance = [&](const ImageSize& bucket) {
    return bucket == image ? -1.0 : std::abs(ratio(bucket) - ratio(image));
  };
  const auto nearest = std::ranges::min_element(buckets, {}, distance);
  return static_cast<size_t>(nearest - buckets.begin());
}

}  // namespace ziplora
