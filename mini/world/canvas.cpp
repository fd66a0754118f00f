#include "mini/world/canvas.h"

#include <algorithm>
#include <cmath>

namespace ziplora::mini {
namespace {

/// Which source pixels one target pixel averages.
struct Window {
  int first, count;
  // The largest ratio is 22.2, a 128-pixel drawing at 0.36 of a 16-pixel canvas; both ends come on top.
  float weights[26];
};

/// Target pixels first … first + windows.size() − 1 of one axis.
struct Axis {
  int first = 0;
  std::vector<Window> windows;
};

/// @param mirrored  the source is read from its far end
Axis shrink_axis(int canvas_size, int side, float start, float length, bool mirrored) {
  Axis axis;
  axis.first = std::max(0, static_cast<int>(std::floor(start)));
  int end = std::min(canvas_size, static_cast<int>(std::ceil(start + length)));
  float ratio = static_cast<float>(side) / length;
  for (int target = axis.first; target < end; ++target) {
    float from = (static_cast<float>(target) - start) * ratio;
    if (mirrored) from = static_cast<float>(side) - from - ratio;
    float to = from + ratio;
    Window window{};
    window.first = std::clamp(static_cast<int>(std::floor(from)), 0, side - 1);
    int last = std::clamp(static_cast<int>(std::ceil(to)) - 1, window.first, side - 1);
    window.count = std::min(last - window.first + 1, static_cast<int>(std::size(window.weights)));
    for (int i = 0; i < window.count; ++i) {
      auto pixel = static_cast<float>(window.first + i);
      window.weights[i] = std::max(0.0f, std::min(to, pixel + 1) - std::max(from, pixel)) / ratio;
    }
    axis.windows.push_back(window);
  }
  return axis;
}

/// By 180° in HSV, which keeps saturation and value; exact for premultiplied colours, too.
void turn_hue(float (&rgb)[3]) {
  const float sum = std::max({rgb[0], rgb[1], rgb[2]}) + std::min({rgb[0], rgb[1], rgb[2]});
  for (float& value : rgb) value = sum - value;
}

}  // namespace

void paint_drawing(Canvas& canvas, const uint8_t* pixels, int side, const Place& place) {
  auto scale = static_cast<float>(canvas.size);
  Axis across = shrink_axis(canvas.size, side, place.x * scale, place.size * scale, place.flip);
  Axis down = shrink_axis(canvas.size, side, place.y * scale, place.size * scale, false);
  if (across.windows.empty() || down.windows.empty()) return;
  size_t columns = across.windows.size();

  // Rows first: [side, columns, 4].
  std::vector<float> rows(static_cast<size_t>(side) * columns * 4);
  int first_row = down.windows.front().first,
      last_row = down.windows.back().first + down.windows.back().count;
  for (int y = first_row; y < last_row; ++y) {
    const uint8_t* source = pixels + static_cast<ptrdiff_t>(y) * side * 4;
    float* out = rows.data() + static_cast<size_t>(y) * columns * 4;
    for (size_t column = 0; column < columns; ++column, out += 4) {
      const Window& window = across.windows[column];
      float sum[4] = {0, 0, 0, 0};
      for (int i = 0; i < window.count; ++i) {
        const uint8_t* pixel = source + 4 * (window.first + i);
        for (int channel = 0; channel < 4; ++channel)
          sum[channel] += window.weights[i] * static_cast<float>(pixel[channel]);
      }
      for (int channel = 0; channel < 4; ++channel) out[channel] = sum[channel] * (1.0f / 255.0f);
    }
  }

  // Then columns, and over the canvas: premultiplied "over".
  std::vector<float> line(columns * 4);
  for (size_t row = 0; row < down.windows.size(); ++row) {
    const Window& window = down.windows[row];
    std::fill(line.begin(), line.end(), 0.0f);
    for (int i = 0; i < window.count; ++i) {
      const float* source = rows.data() + static_cast<size_t>(window.first + i) * columns * 4;
      for (size_t k = 0; k < line.size(); ++k) line[k] += window.weights[i] * source[k];
    }
    size_t at = (static_cast<size_t>(down.first) + row) * canvas.size + across.first;
    for (size_t column = 0; column < columns; ++column) {
      float alpha = line[4 * column + 3];
      float colour[3] = {line[4 * column], line[4 * column + 1], line[4 * column + 2]};
      if (place.white_ink) std::fill(colour, colour + 3, alpha);
      if (place.turned) turn_hue(colour);
      for (int channel = 0; channel < 3; ++channel) {
        float& value = canvas.plane(channel)[at + column];
        // Rounding may reach a little past 1.
        value = std::min(1.0f, value * (1 - alpha) + colour[channel]);
      }
      float& covered = canvas.coverage[at + column];
      covered = covered * (1 - alpha) + alpha;
    }
  }
}

}  // namespace ziplora::mini
