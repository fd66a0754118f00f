#pragma once
/// The computed styles: exact functions of a painted scene, so that the true image in such a style is always
/// known.
///
///     filter("blueprint").apply(canvas);
///
/// Sizes are fractions of the canvas (a halftone cell is a sixteenth of its side), so scenes of 64 and 128
/// pixels look alike. mini/assets/styles.json decides which styles the base learns and which are held out.

#include <array>
#include <span>
#include <string_view>

#include "mini/world/canvas.h"

namespace ziplora::mini {

struct Filter {
  std::string_view name, summary;
  void (*apply)(Canvas&);
};

std::span<const Filter> filters();

/// Each pixel's luminance picks its colour from the tones, dark to light, evenly spaced and interpolated.
/// @param tones  RGB 0…1, at least two
void map_tones(Canvas& canvas, std::span<const std::array<float, 3>> tones);

/// @throws Error(kUsage) for an unknown name
const Filter& filter(std::string_view name);

}  // namespace ziplora::mini
