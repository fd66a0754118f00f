#include "mini/world/filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "mini/world/filter_parts.h"
#include "mini/world/flat_filters.h"
#include "mini/world/print_filters.h"
#include "ziplora/base/error.h"

namespace ziplora::mini {
namespace {

/// One function of the pixel alone.
template <typename Function>
void for_each_pixel(Canvas& canvas, Function function) {
  for (int64_t i = 0; i < area(canvas); ++i) set_pixel(canvas, i, function(pixel(canvas, i)));
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
    {"sticker", "flat colours, a navy outline, a pale pink ground", sticker},
    {"paper-cut", "flat colours, a white border with its shadow, an ochre ground", paper_cut},
    {"badge", "flat colours, a white border, before a teal disc", badge},
    {"pop", "flat colours, a black outline, a magenta shadow without blur", pop},
    {"comic", "flat colours, black contours, a thicker one around", comic},
    {"chalk", "pale contours and dim colours on a green board", chalk},
    {"stamp", "what is dark in black, the rest red", stamp},
    {"riso", "three tones and contours: purple, orange, cream", riso},
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
