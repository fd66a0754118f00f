#include "mini/world/filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ziplora/base/error.h"

namespace ziplora::mini {
namespace {

using Colour = std::array<float, 3>;

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

/// Rec. 709 weights.
float luminance(const Colour& colour) {
  return 0.2126f * colour[0] + 0.7152f * colour[1] + 0.0722f * colour[2];
}

/// One function of the pixel alone.
template <typename Function>
void for_each_pixel(Canvas& canvas, Function function) {
  for (int64_t i = 0; i < area(canvas); ++i) set_pixel(canvas, i, function(pixel(canvas, i)));
}

float smooth_step(float low, float high, float x) {
  float t = std::clamp((x - low) / (high - low), 0.0f, 1.0f);
  return t * t * (3 - 2 * t);
}

/// 3 × 3 binomial blur of one plane; the edge repeats.
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

/// [size, size], 0…1: how much of a contour goes through a pixel. The strongest difference to the right and
/// lower neighbour in colour or in coverage (a white thing on white has a contour too).
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

/// Average colour of the square cell that begins at (y, x).
Colour cell_average(Canvas& canvas, int y, int x, int cell) {
  Colour sum{0, 0, 0};
  for (int dy = 0; dy < cell; ++dy) {
    for (int dx = 0; dx < cell; ++dx) {
      Colour value = pixel(canvas, static_cast<int64_t>(y + dy) * canvas.size + x + dx);
      for (int channel = 0; channel < 3; ++channel) sum[channel] += value[channel];
    }
  }
  for (float& value : sum) value /= static_cast<float>(cell * cell);
  return sum;
}

/// @param paint  (cell's average colour, offset of the pixel's centre from the cell's in −0.5…0.5) → colour
template <typename Paint>
void for_each_cell(Canvas& canvas, int cells, Paint paint) {
  int cell = std::max(1, canvas.size / cells);
  for (int y = 0; y + cell <= canvas.size; y += cell) {
    for (int x = 0; x + cell <= canvas.size; x += cell) {
      Colour average = cell_average(canvas, y, x, cell);
      for (int dy = 0; dy < cell; ++dy) {
        for (int dx = 0; dx < cell; ++dx) {
          float v = (static_cast<float>(dy) + 0.5f) / static_cast<float>(cell) - 0.5f;
          float u = (static_cast<float>(dx) + 0.5f) / static_cast<float>(cell) - 0.5f;
          set_pixel(canvas, static_cast<int64_t>(y + dy) * canvas.size + x + dx, paint(average, v, u));
        }
      }
    }
  }
}

void blueprint(Canvas& canvas) {
  std::vector<float> ink = contours(canvas);
  int grid = std::max(1, canvas.size / 8);
  for (int64_t i = 0; i < area(canvas); ++i) {
    bool line = (i % canvas.size) % grid == grid / 2 || (i / canvas.size) % grid == grid / 2;
    Colour paper = line ? Colour{0.20f, 0.42f, 0.74f} : Colour{0.11f, 0.30f, 0.62f};
    set_pixel(canvas, i, mix(paper, {0.95f, 0.98f, 1.0f}, ink[i]));
  }
}

void outline(Canvas& canvas) {
  std::vector<float> ink = contours(canvas);
  for (int64_t i = 0; i < area(canvas); ++i)
    set_pixel(canvas, i, mix({1, 1, 1}, {0.08f, 0.08f, 0.1f}, ink[i]));
}

void sepia(Canvas& canvas) {
  map_tones(canvas, std::array{Colour{0.20f, 0.11f, 0.04f}, Colour{0.98f, 0.91f, 0.76f}});
}

void negative(Canvas& canvas) {
  for_each_pixel(canvas, [](const Colour& c) { return Colour{1 - c[0], 1 - c[1], 1 - c[2]}; });
}

void pixel_art(Canvas& canvas) {
  for_each_cell(canvas, 16, [](Colour average, float, float) {
    for (float& value : average) value = std::round(value * 5.0f) / 5.0f;
    return average;
  });
}

void watercolour(Canvas& canvas) {
  std::vector<float> edge = canvas.coverage;
  int passes = std::max(1, canvas.size / 32);
  for (int pass = 0; pass < passes; ++pass) blur(edge, canvas.size);
  for (int channel = 0; channel < 3; ++channel) {
    std::vector<float> plane(canvas.plane(channel), canvas.plane(channel) + area(canvas));
    for (int pass = 0; pass < passes; ++pass) blur(plane, canvas.size);
    std::copy(plane.begin(), plane.end(), canvas.plane(channel));
  }
  for (int64_t i = 0; i < area(canvas); ++i) {
    // Pigment gathers where the wash ends; paper grain from a fixed pattern of waves.
    auto x = static_cast<float>(i % canvas.size) * 64.0f / static_cast<float>(canvas.size);
    auto y = static_cast<float>(i / canvas.size) * 64.0f / static_cast<float>(canvas.size);
    float grain = 0.05f * std::sin(1.7f * x + 2.1f * std::sin(0.9f * y)) *
                  std::sin(1.3f * y + 1.9f * std::sin(1.1f * x));
    float rim = 4 * edge[i] * (1 - edge[i]);
    Colour pale =
        mix(pixel(canvas, i), {1.0f, 0.99f, 0.96f}, std::clamp(0.45f + grain - 0.28f * rim, 0.0f, 1.0f));
    set_pixel(canvas, i, pale);
  }
}

void halftone(Canvas& canvas) {
  for_each_cell(canvas, 16, [](const Colour& average, float v, float u) {
    // A dot of full ink whose area is the cell's ink; 0.72 reaches the cell's corners.
    float darkest = std::min({average[0], average[1], average[2]});
    float ink = 1 - darkest;
    if (ink < 0.02f) return Colour{1, 1, 1};
    Colour full;
    for (int channel = 0; channel < 3; ++channel) full[channel] = 1 - (1 - average[channel]) / ink;
    full = mix(full, {0.1f, 0.1f, 0.12f}, 0.35f * (1 - luminance(average)));
    float radius = 0.72f * std::sqrt(ink), distance = std::sqrt(u * u + v * v);
    return mix({1, 1, 1}, full, smooth_step(radius + 0.12f, radius - 0.12f, distance));
  });
}

void neon(Canvas& canvas) {
  std::vector<float> ink = contours(canvas);
  std::vector<float> planes[3], glow[3];
  for (int64_t i = 0; i < area(canvas); ++i) {
    Colour colour = pixel(canvas, i);
    float high = std::max({colour[0], colour[1], colour[2]}),
          low = std::min({colour[0], colour[1], colour[2]});
    // Saturated; greys glow cyan.
    Colour tube = high - low < 0.12f ? Colour{0.2f, 0.95f, 1.0f} : Colour{};
    if (high - low >= 0.12f) {
      for (int channel = 0; channel < 3; ++channel) tube[channel] = (colour[channel] - low) / (high - low);
    }
    for (int channel = 0; channel < 3; ++channel) planes[channel].push_back(ink[i] * tube[channel]);
  }
  int passes = std::max(1, canvas.size / 32);
  for (int channel = 0; channel < 3; ++channel) {
    glow[channel] = planes[channel];
    for (int pass = 0; pass < passes; ++pass) blur(glow[channel], canvas.size);
    float* out = canvas.plane(channel);
    for (int64_t i = 0; i < area(canvas); ++i) {
      out[i] = std::clamp(0.04f + planes[channel][i] + 0.7f * glow[channel][i], 0.0f, 1.0f);
    }
  }
}

void duotone(Canvas& canvas) {
  for_each_pixel(canvas, [](const Colour& colour) {
    float light = std::round(luminance(colour) * 3.0f) / 3.0f;
    return light < 0.5f ? mix({0.16f, 0.09f, 0.42f}, {0.96f, 0.32f, 0.42f}, 2 * light)
                        : mix({0.96f, 0.32f, 0.42f}, {1.0f, 0.93f, 0.80f}, 2 * light - 1);
  });
}

constexpr Filter kFilters[] = {
    {"blueprint", "white contours on blue squared paper", blueprint},
    {"outline", "thin dark contours on white", outline},
    {"sepia", "brown tones of an old photograph", sepia},
    {"negative", "every colour inverted", negative},
    {"pixel-art", "sixteen by sixteen blocks of few colours", pixel_art},
    {"watercolour", "pale, soft, with darker rims and paper grain", watercolour},
    {"halftone", "dots of ink in a screen", halftone},
    {"neon", "glowing contours on black", neon},
    {"duotone", "four tones from violet over coral to cream", duotone},
};

}  // namespace

std::span<const Filter> filters() { return kFilters; }

void map_tones(Canvas& canvas, std::span<const Colour> tones) {
  for_each_pixel(canvas, [tones](const Colour& colour) {
    const float light = luminance(colour) * static_cast<float>(tones.size() - 1);
    const size_t darker = std::min(static_cast<size_t>(std::max(light, 0.0f)), tones.size() - 2);
    return mix(tones[darker], tones[darker + 1], light - static_cast<float>(darker));
  });
}

const Filter& filter(std::string_view name) {
  for (const Filter& candidate : kFilters) {
    if (candidate.name == name) return candidate;
  }
  throw Error(ErrorKind::kUsage, "world", fmt::format("there is no filter '{}'", name),
              "use one that mini/assets/styles.json names");
}

}  // namespace ziplora::mini
