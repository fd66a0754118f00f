#pragma once
/// Held-out styles that print or draw with a few colours of their own, ground and all; filters.h has their table. No
/// palette of the base's training puts black beside red, or purple beside orange (palettes.json, "held_out").

#include "mini/world/canvas.h"

namespace ziplora::mini {

void chalk(Canvas& canvas);
void stamp(Canvas& canvas);
void riso(Canvas& canvas);

}  // namespace ziplora::mini
