#include "ziplora/io/image_resize.h"

#include <ATen/ops/_upsample_bicubic2d_aa.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ziplora/base/error.h"

namespace ziplora {

at::Tensor resize_image(const at::Tensor& image, int64_t height, int64_t width) {
  if (image.size(1) == height && image.size(2) == width) return image;
  return at::_upsample_bicubic2d_aa(image.unsqueeze(0), {height, width}, /*align_corners=*/false)[0].clamp(0,
                                                                                                           1);
}

at::Tensor resize_to_cover(const at::Tensor& image, int64_t height, int64_t width) {
  const auto old_height = static_cast<double>(image.size(1)), old_width = static_cast<double>(image.size(2));
  const double scale =
      std::max(static_cast<double>(height) / old_height, static_cast<double>(width) / old_width);
  return resize_image(image, std::max(height, static_cast<int64_t>(std::lround(old_height * scale))),
                      std::max(width, static_cast<int64_t>(std::lround(old_width * scale))));
}

at::Tensor center_crop(const at::Tensor& image, int64_t height, int64_t width) {
  const int64_t spare_rows = image.size(1) - height, spare_columns = image.size(2) - width;
  if (spare_rows < 0 || spare_columns < 0)
    throw Error(ErrorKind::kInternal, "centre crop",
                fmt::format("an image of {} × {} pixels holds no {} × {} (width × height)", image.size(2),
                            image.size(1), width, height));
  return image.narrow(1, spare_rows / 2, height).narrow(2, spare_columns / 2, width);
}

}  // namespace ziplora
