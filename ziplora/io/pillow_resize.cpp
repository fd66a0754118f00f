#include "ziplora/io/pillow_resize.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// Weights are integers of this many fractional bits: 8 of 32 are the pixel's, 2 are spare for overshoot.
constexpr int kFractionBits = 32 - 8 - 2;

struct FilterShape {
  double support;
  double (*at)(double x);
};

double bilinear(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

/// Keys' cubic with a = −1/2.
double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

double sinc(double x) { return x == 0 ? 1 : std::sin(x * std::numbers::pi) / (x * std::numbers::pi); }

double lanczos(double x) { return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

FilterShape shape_of(PillowFilter filter) {
  switch (filter) {
    case PillowFilter::kLanczos:
      return {3, lanczos};
    case PillowFilter::kBilinear:
      return {1, bilinear};
    case PillowFilter::kBicubic:
      return {2, bicubic};
  }
  throw Error(ErrorKind::kInternal, "resize", "unknown filter");
}

/// Which pixels of a line make one pixel of the result.
struct Taps {
  int64_t first;
  std::vector<int32_t> weights;
};

std::vector<Taps> taps_of(int64_t old_size, int64_t new_size, FilterShape shape) {
  const double scale = static_cast<double>(old_size) / static_cast<double>(new_size);
  const double stretch = std::max(scale, 1.0);  // enlarging, the filter keeps its own width
  const double support = shape.support * stretch;
  std::vector<Taps> result;
  for (int64_t i = 0; i < new_size; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(center - support + 0.5));
    const int64_t end = std::min(old_size, static_cast<int64_t>(center + support + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (int64_t x = first; x < end; ++x) {
      weights.push_back(shape.at((static_cast<double>(x) - center + 0.5) * (1.0 / stretch)));
      sum += weights.back();
    }
    Taps taps{.first = first, .weights = {}};
    for (double weight : weights) {
      if (sum != 0) weight /= sum;
      taps.weights.push_back(
          static_cast<int32_t>(std::copysign(0.5, weight) + weight * (int32_t{1} << kFractionBits)));
    }
    result.push_back(std::move(taps));
  }
  return result;
}

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

constexpr int32_t kHalf = int32_t{1} << (kFractionBits - 1);

/// @param image  [C, H, W] uint8, contiguous
at::Tensor resize_width(const at::Tensor& image, int64_t width, FilterShape shape) {
  const int64_t lines = image.size(0) * image.size(1), old_width = image.size(2);
  at::Tensor result = at::empty({image.size(0), image.size(1), width}, at::kByte);
  const std::vector<Taps> taps = taps_of(old_width, width, shape);
  const auto* from = image.const_data_ptr<uint8_t>();
  auto* to = result.mutable_data_ptr<uint8_t>();
  for (int64_t line = 0; line < lines; ++line, from += old_width) {
    for (const auto& [first, weights] : taps) {
      int32_t sum = kHalf;
      for (size_t k = 0; k < weights.size(); ++k) sum += from[first + static_cast<int64_t>(k)] * weights[k];
      *to++ = to_byte(sum);
    }
  }
  return result;
}

/// @param image  [C, H, W] uint8, contiguous
at::Tensor resize_height(const at::Tensor& image, int64_t height, FilterShape shape) {
  const int64_t old_height = image.size(1), width = image.size(2);
  at::Tensor result = at::empty({image.size(0), height, width}, at::kByte);
  const std::vector<Taps> taps = taps_of(old_height, height, shape);
  const auto* from = image.const_data_ptr<uint8_t>();
  auto* to = result.mutable_data_ptr<uint8_t>();
  std::vector<int32_t> sums(static_cast<size_t>(width));
  for (int64_t channel = 0; channel < image.size(0); ++channel, from += old_height * width) {
    for (const auto& [first, weights] : taps) {
      std::fill(sums.begin(), sums.end(), kHalf);
      const uint8_t* line = from + first * width;
      for (const int32_t weight : weights)
        for (int32_t& sum : sums) sum += *line++ * weight;
      to = std::transform(sums.begin(), sums.end(), to, to_byte);
    }
  }
  return result;
}

}  // namespace

at::Tensor resize_as_pillow(const at::Tensor& image, int64_t height, int64_t width, PillowFilter filter) {
  if (image.dim() != 3 || image.scalar_type() != at::kByte || height < 1 || width < 1)
    throw Error(ErrorKind::kInternal, "resize", "an image of [C, H, W] bytes and a size are expected");
  const FilterShape shape = shape_of(filter);
  at::Tensor result = image.contiguous();
  // As the passes round, their order shows. Pillow's rule for the quicker one (its pull request 9549):
  const int64_t rows_less = image.size(1) - height, columns_less = image.size(2) - width;
  const bool height_first = rows_less > 0 && rows_less > 2 * columns_less;
  if (height_first) result = resize_height(result, height, shape);
  if (image.size(2) != width) result = resize_width(result, width, shape);
  if (!height_first && image.size(1) != height) result = resize_height(result, height, shape);
  return result;
}

}  // namespace ziplora
