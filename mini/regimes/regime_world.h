#pragma once
/// What the regimes show: the emoji world with the styles of mini/assets/regimes.json, and the subjects and styles of
/// one half of what is held out. Every choice is a rule over the catalogue and the drawings.
///
///     const World world = open_regime_world(place, progress, cancel);
///     std::vector<int> styles = regime_styles(world.catalogue(), Purpose::kDevelopment);

#include <vector>

#include "mini/world/world.h"
#include "mini/world/world_place.h"

namespace ziplora::mini {

/// Images that a style's LoRA learns from where it has many.
inline constexpr size_t kManyImages = 32;

/// @throws as World::prepare and Catalogue::add_held_out_styles
World open_regime_world(const WorldPlace& place, ProgressSink& progress, const CancelToken& cancel);

/// The half's held-out subjects.
std::vector<int> regime_subjects(const Catalogue& catalogue, Purpose half);
/// The half's held-out styles, but for halftone, whose dots 64 pixels do not hold.
std::vector<int> regime_styles(const Catalogue& catalogue, Purpose half);
/// Seen subjects whose drawings are also shown with their hues turned: four of each half, ranked. In each category it is
/// the one whose mean colour in noto's drawing moves most by that, among those that every artist drew and whose words
/// name no colour. Categories are ranked by that move.
std::vector<int> turned_subjects(const World& world);
/// The halves take turns.
/// @param turned  as turned_subjects gives them
std::vector<int> turned_subjects_of_half(const std::vector<int>& turned, Purpose half);
/// Seen subjects that the style's artist drew, mixed, the same for every style but for those that its artist lacks.
/// @param left_out  subjects that are asked for later
std::vector<int> style_image_subjects(const World& world, int style, const std::vector<int>& left_out);

}  // namespace ziplora::mini
