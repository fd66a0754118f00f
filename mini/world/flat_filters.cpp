#include "mini/world/flat_filters.h"

#include <algorithm>
#include <cmath>

#include "mini/world/filter_parts.h"

namespace ziplora::mini {
namespace {

constexpr Colour kBlack{0.04f, 0.04f, 0.06f}, kWhite{1, 1, 1};

/// Every pixel's drawing in flat colours, whether or not it is covered.
std::vector<Colour> flat_drawing(Canvas& canvas) {
  std::vector<Colour> flat;
  for (int64_t i = 0; i < area(canvas); ++i) flat.push_back(flat_colour(covered_colour(canvas, i)));
  return flat;
}

/// The drawing in flat colours over a border over a ground.
/// @param ground  (index of a pixel) → colour
template <typename Ground>
void paint_bordered(Canvas& canvas, const Colour& border, float width, Ground ground) {
  const std::vector<Colour> flat = flat_drawing(canvas);
  const std::vector<float> around = grown(canvas.coverage, canvas.size, width);
  for (int64_t i = 0; i < area(canvas); ++i)
    set_pixel(canvas, i, mix(mix(ground(i), border, around[i]), flat[i], canvas.coverage[i]));
}

}  // namespace

void sticker(Canvas& canvas) {
  paint_bordered(canvas, {0.086f, 0.110f, 0.329f}, 2, [](int64_t) { return Colour{0.988f, 0.816f, 0.839f}; });
}

void paper_cut(Canvas& canvas) {
  const int size = canvas.size;
  std::vector<float> shadow = moved(grown(canvas.coverage, size, 2), size, 3);
  for (int pass = 0; pass < std::max(1, size / 32); ++pass) blur(shadow, size);
  paint_bordered(canvas, kWhite, 2, [&](int64_t i) {
    return mix({0.90f, 0.62f, 0.16f}, {0.36f, 0.20f, 0.05f}, 0.85f * shadow[i]);
  });
}

void badge(Canvas& canvas) {
  const auto side = static_cast<float>(canvas.size);
  paint_bordered(canvas, kWhite, 1, [&](int64_t i) {
    const float x = (static_cast<float>(i % canvas.size) + 0.5f) / side - 0.5f,
                y = (static_cast<float>(i / canvas.size) + 0.5f) / side - 0.5f;
    const float distance = std::sqrt(x * x + y * y), soft = 0.5f / 64;
    const Colour disc =
        mix({0.05f, 0.56f, 0.55f}, {0.02f, 0.27f, 0.30f}, smooth_step(0.43f - soft, 0.43f + soft, distance));
    return mix(disc, kWhite, smooth_step(0.485f - soft, 0.485f + soft, distance));
  });
}

void pop(Canvas& canvas) {
  const int size = canvas.size;
  const std::vector<float> shadow = moved(grown(canvas.coverage, size, 1), size, 4);
  paint_bordered(canvas, kBlack, 1, [&](int64_t i) {
    return mix(pixel(canvas, i), {0.95f, 0.10f, 0.58f}, shadow[i]);
  });
}

void comic(Canvas& canvas) {
  const std::vector<float> ink = contours(canvas);
  paint_bordered(canvas, kBlack, 2, [&](int64_t i) { return pixel(canvas, i); });
  for (int64_t i = 0; i < area(canvas); ++i)
    set_pixel(canvas, i, mix(pixel(canvas, i), kBlack, ink[i] * canvas.coverage[i]));
}

}  // namespace ziplora::mini
