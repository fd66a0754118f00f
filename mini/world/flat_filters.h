#pragma once
/// Held-out styles that flatten a drawing's colours and put a border around it; filters.h has their table. All but `pop`
/// and `comic` bring a ground of their own.

#include "mini/world/canvas.h"

namespace ziplora::mini {

void sticker(Canvas& canvas);
void paper_cut(Canvas& canvas);
void badge(Canvas& canvas);
void pop(Canvas& canvas);
void comic(Canvas& canvas);

}  // namespace ziplora::mini
