#include "mini/world/print_filters.h"

#include <algorithm>
#include <cmath>

#include "mini/world/filter_parts.h"

namespace ziplora::mini {

void chalk(Canvas& canvas) {
  const std::vector<float> ink = contours(canvas);
  for (int64_t i = 0; i < area(canvas); ++i) {
    // Chalk is light: what is dark in the drawing shows the board.
    const Colour fill = mix(pixel(canvas, i), {1, 1, 1}, 0.15f);
    const Colour dim = mix({0.10f, 0.24f, 0.19f}, fill, 0.55f * canvas.coverage[i] * luminance(fill));
    set_pixel(canvas, i, mix(dim, {0.95f, 0.96f, 0.88f}, ink[i]));
  }
}

void stamp(Canvas& canvas) {
  const std::vector<float> edge = contours(canvas);
  for (int64_t i = 0; i < area(canvas); ++i) {
    const float ink = std::max(edge[i], smooth_step(0.52f, 0.42f, luminance(pixel(canvas, i))));
    set_pixel(canvas, i, mix({0.89f, 0.16f, 0.14f}, {0.07f, 0.05f, 0.06f}, ink));
  }
}

void riso(Canvas& canvas) {
  constexpr Colour kPurple{0.36f, 0.10f, 0.55f}, kOrange{1.0f, 0.50f, 0.10f}, kCream{1.0f, 0.95f, 0.82f};
  const std::vector<float> edge = contours(canvas);
  for (int64_t i = 0; i < area(canvas); ++i) {
    const float light = luminance(pixel(canvas, i));
    const Colour tone = mix(mix(kPurple, kOrange, smooth_step(0.30f, 0.40f, light)), kCream,
                            smooth_step(0.70f, 0.80f, light));
    set_pixel(canvas, i, mix(tone, kPurple, edge[i]));
  }
}

}  // namespace ziplora::mini
