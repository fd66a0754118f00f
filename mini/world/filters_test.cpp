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

/// A canvas of one ground with an orange square in the middle, filtered.
std::vector<float> filtered(std::string_view name, float ground) {
  std::vector<float> rgb(3 * kSize * kSize);
  Canvas canvas(kSize, rgb.data());
  square(canvas, {0.9f, 0.5f, 0.1f});
  for (size_t i = 0; i < canvas.coverage.size(); ++i)
    for (int channel = 0; channel < 3; ++channel)
      if (canvas.coverage[i] == 0) canvas.plane(channel)[i] = ground;
  filter(name).apply(canvas);
  return rgb;
}

Colour pixel_of(const std::vector<float>& rgb, int y, int x) {
  const auto at = [&](int channel) {
    return rgb[static_cast<size_t>(channel) * kSize * kSize + y * kSize + x];
  };
  return {at(0), at(1), at(2)};
}

TEST(Filters, TheDrawingStaysInPlaceInHeldOutStyles) {
  for (std::string_view name : {"sticker", "paper-cut", "badge", "pop", "comic", "chalk", "riso"}) {
    const std::vector<float> rgb = filtered(name, 1);
    const Colour inside = pixel_of(rgb, 30, 30), outside = pixel_of(rgb, 4, 30);
    double apart = 0;
    for (int channel = 0; channel < 3; ++channel) apart += std::abs(inside[channel] - outside[channel]);
    EXPECT_GT(apart, 0.3) << name;
    EXPECT_GT(inside[0], inside[2]) << name << ": orange is no longer warm";
  }
}

TEST(Filters, ABorderIsAroundTheDrawingAndNotInIt) {
  struct Case {
    std::string_view name;
    float brightest, darkest;  // of the border
  };
  for (const auto& [name, brightest, darkest] : {Case{"sticker", 0.4f, 0.0f},
                                                 {"paper-cut", 1.0f, 0.99f},
                                                 {"badge", 1.0f, 0.99f},
                                                 {"pop", 0.1f, 0.0f}}) {
    const Colour border = pixel_of(filtered(name, 1), 30, 15), inside = pixel_of(filtered(name, 1), 30, 16);
    EXPECT_LE(std::ranges::max(border), brightest) << name;
    EXPECT_GE(std::ranges::min(border), darkest) << name;
    EXPECT_NEAR(inside[0], 1.0f, 0.26f) << name;
  }
}

TEST(Filters, OnlyPopAndComicKeepTheGround) {
  for (std::string_view name : {"sticker", "paper-cut", "badge", "pop", "comic", "chalk", "stamp", "riso"}) {
    const Colour ground = pixel_of(filtered(name, 0.2f), 2, 32);
    const bool keeps = ground == Colour{0.2f, 0.2f, 0.2f};
    EXPECT_EQ(keeps, name == "pop" || name == "comic") << name;
  }
}

TEST(Filters, AStampHasTwoColours) {
  for (const auto& [y, x] : {std::pair(2, 2), {16, 30}, {30, 30}}) {
    const Colour colour = pixel_of(filtered("stamp", 1), y, x);
    const bool is_ink = colour[0]<0.1f, is_paper = colour[0]> 0.85f && colour[1] < 0.2f;
    EXPECT_TRUE(is_ink || is_paper) << y << " " << x << ": " << colour[0];
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
