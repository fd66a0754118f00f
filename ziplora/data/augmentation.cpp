#include "ziplora/data/augmentation.h"

#include <ATen/ops/rand.h>

#include <algorithm>
#include <cmath>

#include "ziplora/io/image_resize.h"

namespace ziplora {

CroppedImage crop_view(const at::Tensor& image, const CropViewOptions& options, at::Generator generator) {
  const at::Tensor draws = at::rand({4}, generator, at::kDouble);  // mirror, top, left, zoom
  const double* draw = draws.const_data_ptr<double>();
  const auto [height, width] = options.target;

  const bool mirrored = options.mirroring == Mirroring::kHalfTheTime && draw[0] < 0.5;
  const double zoom = 1 + draw[3] * (options.zoom - 1);
  const auto zoomed = [zoom](int64_t side) { return std::llround(static_cast<double>(side) * zoom); };
  const at::Tensor resized =
      resize_to_cover(mirrored ? image.flip({2}) : image, zoomed(height), zoomed(width));
  const auto offset = [&](int64_t spare, double random) {
    if (options.crop == CropPosition::kCenter) return spare / 2;
    return std::min(spare, static_cast<int64_t>(random * static_cast<double>(spare + 1)));
  };
  const int64_t top = offset(resized.size(1) - height, draw[1]),
                left = offset(resized.size(2) - width, draw[2]);
  return {resized.narrow(1, top, height).narrow(2, left, width).contiguous(),
          {image.size(1), image.size(2)},
          top,
          left};
}

}  // namespace ziplora
