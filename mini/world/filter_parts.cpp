#include "mini/world/filter_parts.h"

#include <algorithm>
#include <cmath>

namespace ziplora::mini {
namespace {

/// A length in pixels, at least one.
int pixels_of(float sixty_fourths, int size) {
  return std::max(1, static_cast<int>(std::lround(sixty_fourths * static_cast<float>(size) / 64.0f)));
}

}  // namespace

int64_t area(const Canvas& canvas) { return static_cast<int64_t>(canvas.size) * canvas.size; }

Colour pixel(Canvas& canvas, int64_t i) {
  return {canvas.plane(0)[i], canvas.plane(1)[i], canvas.plane(2)[i]};
}

void set_pixel(Canvas& canvas, int64_t i, const Colour& colour) {
  for (int channel = 0; channel < 3; ++channel) canvas.plane(channel)[i] = colour[channel];
}

Colour mix(const Colour& a, const Colour& b, float part_of_b) {
  Colour result;
  for (int channel = 0; channel < 3; ++channel)
    result[channel] = a[channel] + (b[channel] - a[channel]) * part_of_b;
  return result;
}

float luminance(const Colour& colour) {
  return 0.2126f * colour[0] + 0.7152f * colour[1] + 0.0722f * colour[2];
}

float smooth_step(float low, float high, float x) {
  float t = std::clamp((x - low) / (high - low), 0.0f, 1.0f);
  return t * t * (3 - 2 * t);
}

Colour flat_colour(const Colour& colour) {
  const auto [low, high] = std::ranges::minmax(colour);
  if (high <= 0) return colour;
  const float saturation = (high - low) / high, value = std::round(high * 4) / 4;
  const float flat = saturation > 0.16f ? std::min(1.0f, 1.6f * saturation) : saturation;
  Colour result;
  for (int channel = 0; channel < 3; ++channel) {
    const float hue = high > low ? (colour[channel] - low) / (high - low) : 0.0f;
    result[channel] = value * (1 - flat * (1 - hue));
  }
  return result;
}

void blur(std::vector<float>& plane, int size) {
  std::vector<float> across(plane.size());
  auto at = [size](int y, int x) {
    return static_cast<size_t>(std::clamp(y, 0, size - 1)) * size + std::clamp(x, 0, size - 1);
  };
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      across[at(y, x)] = 0.25f * plane[at(y, x - 1)] + 0.5f * plane[at(y, x)] + 0.25f * plane[at(y, x + 1)];
    }
  }
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      plane[at(y, x)] = 0.25f * across[at(y - 1, x)] + 0.5f * across[at(y, x)] + 0.25f * across[at(y + 1, x)];
    }
  }
}

std::vector<float> contours(Canvas& canvas) {
  int size = canvas.size;
  std::vector<float> ink(area(canvas));
  const float* planes[4] = {canvas.plane(0), canvas.plane(1), canvas.plane(2), canvas.coverage.data()};
  int reach = std::max(1, size / 64);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      int64_t here = static_cast<int64_t>(y) * size + x;
      int64_t right = here - x + std::min(x + reach, size - 1);
      int64_t below = static_cast<int64_t>(std::min(y + reach, size - 1)) * size + x;
      float strongest = 0;
      for (const float* plane : planes) {
        strongest =
            std::max({strongest, std::abs(plane[here] - plane[right]), std::abs(plane[here] - plane[below])});
      }
      ink[here] = smooth_step(0.08f, 0.4f, strongest);
    }
  }
  return ink;
}

Colour covered_colour(Canvas& canvas, int64_t i) {
  const int64_t size = canvas.size, x = i % size, y = i / size;
  int64_t best = i;
  for (int64_t ny = std::max<int64_t>(0, y - 1); ny <= std::min(size - 1, y + 1); ++ny)
    for (int64_t nx = std::max<int64_t>(0, x - 1); nx <= std::min(size - 1, x + 1); ++nx)
      if (canvas.coverage[ny * size + nx] > canvas.coverage[best] + 1e-3f) best = ny * size + nx;
  return pixel(canvas, best);
}

std::vector<float> grown(const std::vector<float>& plane, int size, float distance) {
  const int reach = pixels_of(distance, size);
  const float limit = (static_cast<float>(reach) + 0.5f) * (static_cast<float>(reach) + 0.5f);
  std::vector<float> result(plane.size(), 0.0f);
  for (int y = 0; y < size; ++y)
    for (int x = 0; x < size; ++x) {
      const float value = plane[static_cast<size_t>(y) * size + x];
      if (value <= 0) continue;
      for (int dy = -reach; dy <= reach; ++dy)
        for (int dx = -reach; dx <= reach; ++dx) {
          const int ty = y + dy, tx = x + dx;
          if (ty < 0 || ty >= size || tx < 0 || tx >= size || static_cast<float>(dx * dx + dy * dy) > limit)
            continue;
          float& target = result[static_cast<size_t>(ty) * size + tx];
          target = std::max(target, value);
        }
    }
  return result;
}

std::vector<float> moved(const std::vector<float>& plane, int size, float distance) {
  const int by = pixels_of(distance, size);
  std::vector<float> result(plane.size(), 0.0f);
  for (int y = by; y < size; ++y)
    for (int x = by; x < size; ++x)
      result[static_cast<size_t>(y) * size + x] = plane[static_cast<size_t>(y - by) * size + x - by];
  return result;
}

}  // namespace ziplora::mini
