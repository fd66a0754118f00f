#include "mini/world/filters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ziplora/base/error.h"

namespace ziplora::mini {
namespace {

constexpr int kSize = 64;

/// A white canvas with a coloured square in the middle.
std::vector<float> square(Canvas& canvas, const float (&colour)[3]) {
  std::fill(canvas.rgb, canvas.rgb + 3 * kSize * kSize, 1.0f);
  for (int y = 16; y < 48; ++y) {
    for (int x = 16; x < 48; ++x) {
      for (int channel = 0; channel < 3; ++channel) canvas.plane(channel)[y * kSize + x] = colour[channel];
      canvas.coverage[static_cast<size_t>(y) * kSize + x] = 1;
    }
  }
  return {canvas.rgb, canvas.rgb + 3 * kSize * kSize};
}

class EveryFilter : public testing::TestWithParam<Filter> {};

TEST_P(EveryFilter, ChangesTheImageAndStaysInRangeAndIsExact) {
  std::vector<float> rgb(3 * kSize * kSize), again(3 * kSize * kSize);
  Canvas canvas(kSize, rgb.data()), second(kSize, again.data());
  std::vector<float> before = square(canvas, {0.9f, 0.5f, 0.1f});
  square(second, {0.9f, 0.5f, 0.1f});
  GetParam().apply(canvas);
  GetParam().apply(second);
  EXPECT_EQ(rgb, again);
  double change = 0;
  for (size_t i = 0; i < rgb.size(); ++i) {
    ASSERT_GE(rgb[i], 0.0f);
    ASSERT_LE(rgb[i], 1.0f);
    change += std::abs(rgb[i] - before[i]);
  }
  EXPECT_GT(change / static_cast<double>(rgb.size()), 0.01);
}

TEST(Filters, ContoursShowAWhiteThingOnWhite) {
  for (std::string_view name : {"outline", "blueprint", "neon"}) {
    std::vector<float> rgb(3 * kSize * kSize);
    Canvas canvas(kSize, rgb.data());
    square(canvas, {1, 1, 1});
    filter(name).apply(canvas);
    EXPECT_GT(std::abs(canvas.plane(0)[30 * kSize + 15] - canvas.plane(0)[30 * kSize + 30]), 0.1f) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Filters, EveryFilter, testing::ValuesIn(filters().begin(), filters().end()),
                         [](const auto& info) {
                           std::string name(info.param.name);
                           std::erase(name, '-');
                           return name;
                         });

TEST(Filters, UnknownNameIsAnError) { EXPECT_THROW(filter("oil paint"), Error); }

}  // namespace
}  // namespace ziplora::mini
