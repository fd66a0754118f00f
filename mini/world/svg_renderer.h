#pragma once
/// SVG text to pixels, by librsvg and cairo.
///
///     at::Tensor fox = render_svg(svg, 128);   // [4, 128, 128] float32, premultiplied RGBA
///
/// Draws at twice the size and averages 2 × 2 pixels: edges come out smoother than with cairo's antialiasing
/// alone.

#include <ATen/core/Tensor.h>

#include <string_view>

namespace ziplora::mini {

/// @param svg   a whole SVG document; its image is fitted into the square, keeping its proportions
/// @param size  pixels of a side
/// @return [4, size, size] float32 in 0…1: red, green, blue times alpha, and alpha
/// @throws Error(kInput) if the text is not an SVG that can be drawn
at::Tensor render_svg(std::string_view svg, int size);

}  // namespace ziplora::mini
