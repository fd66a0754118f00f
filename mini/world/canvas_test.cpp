#include "mini/world/canvas.h"

#include <gtest/gtest.h>

#include <numeric>

namespace ziplora::mini {
namespace {

/// A canvas of one grey value that owns its pixels.
struct OwnedCanvas {
  explicit OwnedCanvas(int size, float value = 0.0f)
      : rgb(3 * static_cast<size_t>(size) * size, value), canvas(size, rgb.data()) {}
  float at(int channel, int y, int x) { return canvas.plane(channel)[y * canvas.size + x]; }
  std::vector<float> rgb;
  Canvas canvas;
};

/// Left half opaque red, right half nothing.
std::vector<uint8_t> half_red(int side) {
  std::vector<uint8_t> pixels(static_cast<size_t>(side) * side * 4, 0);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side / 2; ++x) {
      pixels[4 * (static_cast<size_t>(y) * side + x)] = 255;
      pixels[4 * (static_cast<size_t>(y) * side + x) + 3] = 255;
    }
  }
  return pixels;
}

TEST(PaintDrawing, ShrinksByAreaAverages) {
  OwnedCanvas owned(16, 1.0f);
  std::vector<uint8_t> pixels = half_red(128);
  paint_drawing(owned.canvas, pixels.data(), 128, {.x = 0, .y = 0, .size = 1});
  EXPECT_NEAR(owned.at(0, 5, 3), 1.0f, 1e-5);
  EXPECT_NEAR(owned.at(1, 5, 3), 0.0f, 1e-5);
  EXPECT_NEAR(owned.at(1, 5, 12), 1.0f, 1e-5);
  double covered = std::accumulate(owned.canvas.coverage.begin(), owned.canvas.coverage.end(), 0.0);
  EXPECT_NEAR(covered, 128.0, 1e-2);  // half of 16 × 16
}

TEST(PaintDrawing, TurningMakesRedCyanAndTakesNothingElseAlong) {
  OwnedCanvas owned(16, 0.5f);
  std::vector<uint8_t> pixels = half_red(128);
  paint_drawing(owned.canvas, pixels.data(), 128, {.x = 0, .y = 0, .size = 1, .turned = true});
  for (const auto& [channel, expected] : {std::pair(0, 0.0f), {1, 1.0f}, {2, 1.0f}}) {
    EXPECT_NEAR(owned.at(channel, 5, 3), expected, 1e-5);
    EXPECT_EQ(owned.at(channel, 5, 12), 0.5f);
  }
}

TEST(PaintDrawing, KeepsAreaAtAnyPlaceAndSize) {
  std::vector<uint8_t> pixels = half_red(128);
  for (float size : {0.36f, 0.5f, 0.777f, 0.93f}) {
    for (bool flip : {false, true}) {
      OwnedCanvas owned(16);
      paint_drawing(owned.canvas, pixels.data(), 128, {.x = 0.031f, .y = 0.049f, .size = size, .flip = flip});
      double covered = std::accumulate(owned.canvas.coverage.begin(), owned.canvas.coverage.end(), 0.0);
      EXPECT_NEAR(covered, 256.0 * size * size / 2, 0.05) << size << flip;
    }
  }
}

TEST(PaintDrawing, FlipMirrorsAndMayReachOverTheEdge) {
  OwnedCanvas owned(16);
  std::vector<uint8_t> pixels = half_red(32);
  paint_drawing(owned.canvas, pixels.data(), 32, {.x = 0.5f, .y = -0.25f, .size = 1, .flip = true});
  // Red is now the right half of the drawing, 16…24 in pixels: outside.
  EXPECT_NEAR(std::accumulate(owned.canvas.coverage.begin(), owned.canvas.coverage.end(), 0.0), 0.0, 1e-6);
  paint_drawing(owned.canvas, pixels.data(), 32, {.x = 0.5f, .y = -0.25f, .size = 1, .flip = false});
  EXPECT_NEAR(owned.at(0, 2, 12), 1.0f, 1e-6);
  EXPECT_NEAR(owned.at(0, 14, 12), 0.0f, 1e-6);  // below the drawing, which ends at row 12
}

TEST(PaintDrawing, WhiteInkPaintsWhite) {
  OwnedCanvas owned(16);
  std::vector<uint8_t> pixels = half_red(32);
  paint_drawing(owned.canvas, pixels.data(), 32, {.x = 0, .y = 0, .size = 1, .white_ink = true});
  for (int channel = 0; channel < 3; ++channel) EXPECT_NEAR(owned.at(channel, 4, 4), 1.0f, 1e-6);
}

}  // namespace
}  // namespace ziplora::mini
