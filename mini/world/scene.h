#pragma once
/// What a scene shows and how it is painted: one or two drawings in one style on a background.
///
///     SceneContent content{.subject = fox, .style = noto, .background = night};
///     paint_scene(canvas, catalogue, drawings, content, random);
///
/// Content is what a caption can say and a judge can check. Position, size, flips, shades and stars come from
/// random numbers, and no caption names them.

#include <compare>

#include "mini/world/canvas.h"
#include "mini/world/catalogue.h"
#include "mini/world/drawing_set.h"
#include "mini/world/scene_random.h"

namespace ziplora::mini {

/// Indices into the Catalogue; −1 where there is none.
struct SceneContent {
  int subject = -1;
  int style = -1;
  int background = 0;       ///< 0 is plain white
  int second_subject = -1;  ///< drawn beside the first, smaller, in the same style
  int count = 1;            ///< 2: the subject twice, side by side
  int palette = -1;         ///< printed in these colours, background and all
  /// The first subject's hues turned by 180°, as no artist drew it; for evaluation only.
  bool turned = false;
  auto operator<=>(const SceneContent&) const = default;
};

/// Width of the drawing in the plainest scene, in `World::drawing` and in `World::true_scene`.
inline constexpr float kPlainSize = 0.88f;

/// @throws Error(kInput) if the style's artist drew no such subject
void paint_scene(Canvas& canvas, const Catalogue& catalogue, const DrawingSet& drawings,
                 const SceneContent& content, SceneRandom& random);

/// One drawing on its background, always large and in the middle; shades and stars are always the same.
/// @param content  of one drawing
/// @throws as paint_scene
void paint_plain(Canvas& canvas, const Catalogue& catalogue, const DrawingSet& drawings,
                 const SceneContent& content);

}  // namespace ziplora::mini
