#include "mini/world/scene.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mini/world/filters.h"
#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

const uint8_t* drawn(const Catalogue& catalogue, const DrawingSet& drawings, int subject, int style) {
  const uint8_t* pixels = drawings.pixels(subject, catalogue.styles[style].package);
  if (pixels) return pixels;
  throw Error(
      ErrorKind::kInput, "world",
      fmt::format("'{}' has no drawing of '{}'", catalogue.styles[style].id, catalogue.subjects[subject].id),
      "ask World::has_drawing first");
}

float brightness(const Colour& colour) { return (colour[0] + colour[1] + colour[2]) / 3.0f; }

bool is_dark(const Background& background) {
  float sum = 0;
  for (const Colour& colour : background.colours) sum += brightness(colour);
  return sum < 0.35f * static_cast<float>(background.colours.size());
}

void fill_row(Canvas& canvas, int y, const Colour& colour) {
  for (int channel = 0; channel < 3; ++channel) {
    float* row = canvas.plane(channel) + static_cast<ptrdiff_t>(y) * canvas.size;
    std::fill(row, row + canvas.size, colour[channel]);
  }
}

Colour shade(const Colour& a, const Colour& b, float part_of_b, float shift) {
  Colour result;
  for (int channel = 0; channel < 3; ++channel) {
    result[channel] = std::clamp(a[channel] + (b[channel] - a[channel]) * part_of_b + shift, 0.0f, 1.0f);
  }
  return result;
}

void paint_stars(Canvas& canvas, SceneRandom& random) {
  int dot = std::max(1, canvas.size / 64);
  for (size_t star = 10 + random.below(14); star > 0; --star) {
    auto x = static_cast<int>(random.below(canvas.size - dot)),
         y = static_cast<int>(random.below(canvas.size - dot));
    float light = random.between(0.5f, 1.0f);
    for (int channel = 0; channel < 3; ++channel) {
      for (int dy = 0; dy < dot; ++dy) {
        for (int dx = 0; dx < dot; ++dx) {
          float& value = canvas.plane(channel)[static_cast<ptrdiff_t>(y + dy) * canvas.size + x + dx];
          value = std::max(value, channel == 2 ? 0.85f * light : light);  // slightly yellow
        }
      }
    }
  }
}

void paint_background(Canvas& canvas, const Background& background, SceneRandom& random) {
  // Plain white stays white: drawings on white are the world's plainest images.
  bool white = background.phrases.empty();
  float shift = white ? 0.0f : random.between(-0.04f, 0.04f);
  float horizon = random.between(0.55f, 0.72f);
  const Colour &top = background.colours.front(), &bottom = background.colours.back();
  for (int y = 0; y < canvas.size; ++y) {
    float height = (static_cast<float>(y) + 0.5f) / static_cast<float>(canvas.size);
    switch (background.kind) {
      case Background::Kind::kPlain:
        fill_row(canvas, y, shade(top, top, 0, shift));
        break;
      case Background::Kind::kGradient:
      case Background::Kind::kNight:
        fill_row(canvas, y, shade(top, bottom, height, shift));
        break;
      case Background::Kind::kHorizon:
        // The sky grows paler towards the horizon, the ground darker towards the viewer.
        if (height < horizon) {
          fill_row(canvas, y, shade(top, {1, 1, 1}, 0.35f * height / horizon, shift));
        } else {
          fill_row(canvas, y, shade(bottom, {0, 0, 0}, 0.22f * (height - horizon) / (1 - horizon), shift));
        }
        break;
    }
  }
  if (background.kind == Background::Kind::kNight) paint_stars(canvas, random);
}

/// In the middle, where every drawing stands in its plainest image.
constexpr Place kPlainPlace{.x = (1 - kPlainSize) / 2, .y = (1 - kPlainSize) / 2, .size = kPlainSize};

/// Fraction of the scenes in which things stand in their plain places, so that every such scene teaches the
/// same image. No caption says where else they might be: at the noisiest levels a base can only paint the
/// mean over all places, and that would drown what it should learn of a shape.
constexpr float kPlainPart = 0.9f;
/// Fraction of the drawings in the other scenes that are mirrored.
constexpr float kFlipped = 0.1f;

/// One drawing: in the plain place, or of any size and anywhere.
Place alone(SceneRandom& random) {
  if (random.chance(kPlainPart)) return kPlainPlace;
  Place place;
  place.size = random.between(0.55f, 0.92f);
  place.x = (1 - place.size) * random.uniform(), place.y = (1 - place.size) * random.uniform();
  place.flip = random.chance(kFlipped);
  return place;
}

/// Draws the places of two things at random, or keeps every value in the middle of its range.
class Variation {
 public:
  explicit Variation(SceneRandom& random) : random_(random), plain_(random.chance(kPlainPart)) {}
  float between(float low, float high) { return plain_ ? (low + high) / 2 : random_.between(low, high); }
  bool chance(float probability) { return !plain_ && random_.chance(probability); }

 private:
  SceneRandom& random_;
  bool plain_;
};

/// Left and right of two, each as large as asked; the order of the sizes is the order of the sides.
std::pair<Place, Place> side_by_side(float left_size, float right_size, Variation& variation) {
  float free = 1 - left_size - right_size;  // may be negative: they overlap a little
  Place left, right;
  left.size = left_size, right.size = right_size;
  left.x = free > 0 ? free * variation.between(0.1f, 0.4f) : 0.0f;
  right.x = 1 - right_size - (free > 0 ? free * variation.between(0.1f, 0.4f) : 0.0f);
  // They stand on about the same ground.
  float ground = variation.between(std::max(0.68f, std::max(left_size, right_size)), 0.94f);
  left.y = ground - left_size + variation.between(-0.03f, 0.03f);
  right.y = ground - right_size + variation.between(-0.03f, 0.03f);
  left.flip = variation.chance(kFlipped), right.flip = variation.chance(kFlipped);
  return {left, right};
}

void apply_filter(Canvas& canvas, const Style& style) {
  if (!style.filter.empty()) filter(style.filter).apply(canvas);
}

}  // namespace

void paint_scene(Canvas& canvas, const Catalogue& catalogue, const DrawingSet& drawings,
                 const SceneContent& content, SceneRandom& random) {
  const Style& style = catalogue.styles[content.style];
  const Background& background = catalogue.backgrounds[content.background];
  const uint8_t* subject = drawn(catalogue, drawings, content.subject, content.style);
  paint_background(canvas, background, random);
  auto paint = [&](const uint8_t* pixels, Place place) {
    place.white_ink = style.ink && is_dark(background);
    place.turned = content.turned && pixels == subject;
    paint_drawing(canvas, pixels, drawings.size(), place);
  };
  if (content.second_subject >= 0) {
    const uint8_t* second = drawn(catalogue, drawings, content.second_subject, content.style);
    Variation variation(random);
    float large = variation.between(0.52f, 0.6f), small = variation.between(0.36f, 0.44f);
    bool right = variation.chance(0.5f);  // where the first stands; mostly left, as it is named first
    auto [first_place, second_place] = side_by_side(right ? small : large, right ? large : small, variation);
    if (right) std::swap(first_place, second_place);
    paint(second, second_place);
    paint(subject, first_place);
  } else if (content.count == 2) {
    Variation variation(random);
    float size = variation.between(0.44f, 0.52f);
    auto [left, right] = side_by_side(size, size * variation.between(0.92f, 1.0f), variation);
    paint(subject, left);
    paint(subject, right);
  } else {
    paint(subject, alone(random));
  }
  apply_filter(canvas, style);
  if (content.palette >= 0) map_tones(canvas, catalogue.palettes[content.palette].tones);
}

void paint_plain(Canvas& canvas, const Catalogue& catalogue, const DrawingSet& drawings,
                 const SceneContent& content) {
  const Style& style = catalogue.styles[content.style];
  const Background& background = catalogue.backgrounds[content.background];
  const uint8_t* subject = drawn(catalogue, drawings, content.subject, content.style);
  SceneRandom random(derive_seed(0, "world: plain background"));
  paint_background(canvas, background, random);
  Place place = kPlainPlace;
  place.white_ink = style.ink && is_dark(background), place.turned = content.turned;
  paint_drawing(canvas, subject, drawings.size(), place);
  apply_filter(canvas, style);
}

}  // namespace ziplora::mini
