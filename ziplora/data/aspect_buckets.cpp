#include "ziplora/data/aspect_buckets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "ziplora/base/error.h"

namespace ziplora {

std::vector<ImageSize> aspect_buckets(const AspectBucketOptions& options) {
  const auto [resolution, step, max_ratio] = options;
  if (step <= 0 || resolution <= 0 || resolution % step != 0)
    throw Error(
        ErrorKind::kUsage, "aspect-ratio buckets",
        fmt::format("the resolution {} is not a positive multiple of the bucket step {}", resolution, step),
        "round the resolution to a multiple of the step");
  if (!(max_ratio >= 1))
    throw Error(ErrorKind::kUsage, "aspect-ratio buckets",
                fmt::format("the largest ratio is {}, expected 1 or more", max_ratio));
  std::set<std::pair<int64_t, int64_t>> sizes;  // (width, height)
  // Either side may lead: 1536 leads to 640 although 640 leads to 1600.
  const int64_t longest = static_cast<int64_t>(std::ceil(static_cast<double>(resolution) * max_ratio));
  for (int64_t side = step; side <= longest; side += step) {
    const int64_t other = resolution * resolution / side / step * step;
    if (other < step) continue;
    const auto [shorter, longer] = std::minmax(side, other);
    if (static_cast<double>(longer) > max_ratio * static_cast<double>(shorter)) continue;
    sizes.insert({shorter, longer});
    sizes.insert({longer, shorter});
  }
  std::vector<ImageSize> buckets;
  for (const auto& [width, height] : sizes) buckets.push_back({height, width});
  return buckets;
}

size_t nearest_bucket(const ImageSize& image, const std::vector<ImageSize>& buckets) {
  const auto log_ratio = [](const ImageSize& size) {
    return std::log(static_cast<double>(size.width) / static_cast<double>(size.height));
  };
  const auto distance = [&](const ImageSize& bucket) {
    return std::abs(log_ratio(bucket) - log_ratio(image));
  };
  const auto nearest =
      std::min_element(buckets.begin(), buckets.end(),
                       [&](const ImageSize& a, const ImageSize& b) { return distance(a) < distance(b); });
  return static_cast<size_t>(nearest - buckets.begin());
}

}  // namespace ziplora
