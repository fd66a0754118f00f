#pragma once
/// The image that a scene is painted on: planar RGB floats in memory that the caller owns (a batch tensor),
/// and how much of each pixel drawings cover, which the line filters need. Plain loops instead of tensor
/// operators: at 64 × 64 pixels an operator's overhead takes longer than its work.
///
///     Canvas canvas(64, images[i].mutable_data_ptr<float>());
///     paint_drawing(canvas, pixels, 128, {.x = 0.06f, .y = 0.06f, .size = 0.88f});

#include <array>
#include <cstdint>
#include <vector>

namespace ziplora::mini {

using Colour = std::array<float, 3>;  ///< RGB 0…1

struct Canvas {
  /// @param rgb  [3, size, size] float32, kept by the caller
  Canvas(int size, float* rgb) : size(size), rgb(rgb), coverage(static_cast<size_t>(size) * size, 0.0f) {}

  float* plane(int channel) { return rgb + static_cast<int64_t>(channel) * size * size; }

  int size;
  float* rgb;
  std::vector<float> coverage;  ///< [size, size], 0…1
};

/// Where a drawing goes, as fractions of the canvas's side; it may extend past the edge.
struct Place {
  float x = 0, y = 0, size = 1;
  bool flip = false;       ///< mirrored left to right
  bool white_ink = false;  ///< painted white instead of its own colours
  bool turned = false;     ///< its hues turned by 180°
};

/// Shrinks the drawing to its place by exact area averages and lays it over the canvas.
/// @param pixels  [side, side, 4] premultiplied RGBA, with side at least as large as the place
void paint_drawing(Canvas& canvas, const uint8_t* pixels, int side, const Place& place);

}  // namespace ziplora::mini
