#include "mini/world/world.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>

#include "mini/world/captions.h"
#include "mini/world/scene_random.h"
#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

/// No place in a scene of up to 128 pixels is larger.
constexpr int kDrawingSize = 128;

std::filesystem::path drawings_file(const std::filesystem::path& cache_dir) {
  return cache_dir / fmt::format("drawings-{}.safetensors", kDrawingSize);
}

/// Fractions of the scenes: in computed styles, on white, with a second subject, with the subject twice.
constexpr float kComputedStyles = 0.2f, kWhiteBackground = 0.5f, kSecondSubject = 0.12f,
                kTwoOfTheSame = 0.05f;
/// Fraction of the scenes of kTrain that are printed in a palette.
constexpr float kPalettes = 0.35f;

const char* purpose(Split split) {
  switch (split) {
    case Split::kTrain:
      return "world: train";
    case Split::kValidation:
      return "world: validation";
    case Split::kHeldOutPairs:
      return "world: held-out pairs";
    case Split::kJudge:
      return "world: judge";
  }
  throw Error(ErrorKind::kInternal, "world", "unknown split");
}

}  // namespace

struct World::Impl {
  Impl(Catalogue of, const std::filesystem::path& cache_dir, int size)
      : size(size), catalogue(std::move(of)), drawings(drawings_file(cache_dir), catalogue) {
    subjects_of.resize(catalogue.styles.size());
    judged_subjects_of.resize(catalogue.styles.size());
    for (int style = 0; style < static_cast<int>(catalogue.styles.size()); ++style) {
      if (catalogue.styles[style].purpose != Purpose::kTraining) continue;
      for (int subject = 0; subject < static_cast<int>(catalogue.subjects.size()); ++subject) {
        if (catalogue.subjects[subject].purpose != Purpose::kTraining || !has_drawing(subject, style))
          continue;
        judged_subjects_of[style].push_back(subject);
        if (catalogue.held_out_pairs.count({subject, style})) {
          pairs_held_out.emplace_back(subject, style);
        } else {
          subjects_of[style].push_back(subject);
        }
      }
      (catalogue.styles[style].filter.empty() ? artists : computed).push_back(style);
    }
    if (artists.empty() || computed.empty() || pairs_held_out.empty()) {
      throw Error(ErrorKind::kInput, "world",
                  "the catalogue needs a seen artist's style, a seen computed style and a held-out pair",
                  "take assets/ as they are in the repository: git checkout -- assets");
    }
  }

  bool has_drawing(int subject, int style) const {
    return drawings.pixels(subject, catalogue.styles[style].package) != nullptr;
  }

  const std::vector<std::vector<int>>& subjects_by_style(Split split) const {
    return split == Split::kJudge ? judged_subjects_of : subjects_of;
  }

  SceneContent draw_content(Split split, SceneRandom& random) const {
    const std::vector<std::vector<int>>& shown = subjects_by_style(split);
    SceneContent content;
    if (split == Split::kHeldOutPairs) {
      std::tie(content.subject, content.style) = random.choose(pairs_held_out);
    } else {
      content.style = random.choose(random.chance(kComputedStyles) ? computed : artists);
      content.subject = random.choose(shown[content.style]);
    }
    if (catalogue.styles[content.style].keeps_background && !random.chance(kWhiteBackground)) {
      content.background = draw_background(random);
    }
    float draw = random.uniform();
    if (draw < kSecondSubject) {
      do {
        content.second_subject = random.choose(shown[content.style]);
      } while (content.second_subject == content.subject);
    } else if (draw < kSecondSubject + kTwoOfTheSame && !catalogue.subjects[content.subject].plural.empty()) {
      content.count = 2;
    }
    return content;
  }

  /// Uses random numbers of its own, so that the other scenes are those of a world without palettes.
  void print_some(uint64_t index, SceneContent& content) const {
    SceneRandom random(derive_seed(index, "world: palette"));
    if (!catalogue.styles[content.style].keeps_background || !random.chance(kPalettes)) return;
    content.palette = static_cast<int>(random.below(catalogue.palettes.size()));
    const Background::Kind kind = catalogue.backgrounds[content.background].kind;
    // In a palette, nothing is left of a background that is only a colour.
    if (kind == Background::Kind::kPlain || kind == Background::Kind::kGradient) content.background = 0;
  }

  /// Any but white. The kind is drawn first: there is only one night, but it should not be rare.
  int draw_background(SceneRandom& random) const {
    float draw = random.uniform();
    auto kind = draw < 0.5f    ? Background::Kind::kPlain
                : draw < 0.64f ? Background::Kind::kNight
                : draw < 0.8f  ? Background::Kind::kGradient
                               : Background::Kind::kHorizon;
    int index;
    do {
      index = 1 + static_cast<int>(random.below(catalogue.backgrounds.size() - 1));
    } while (catalogue.backgrounds[index].kind != kind);
    return index;
  }

  /// @param rgb  [3, size, size], filled; nullptr: caption and content only
  std::pair<std::string, SceneContent> sample_into(uint64_t index, Split split, float* rgb) const {
    SceneRandom random(derive_seed(index, purpose(split)));
    SceneContent content = draw_content(split, random);
    if (split == Split::kTrain) print_some(index, content);
    std::string caption = varied_caption(catalogue, content, random);
    if (rgb) {
      Canvas canvas(size, rgb);
      paint_scene(canvas, catalogue, drawings, content, random);
    }
    return {std::move(caption), content};
  }

  void check(int subject, int style) const {
    auto in = [](int index, size_t count) { return index >= 0 && index < static_cast<int>(count); };
    if (in(subject, catalogue.subjects.size()) && in(style, catalogue.styles.size())) return;
    throw Error(ErrorKind::kUsage, "world",
                fmt::format("subject {} and style {}: there are {} and {}", subject, style,
                            catalogue.subjects.size(), catalogue.styles.size()),
                "indices count from 0");
  }

  int size;
  Catalogue catalogue;
  DrawingSet drawings;
  std::vector<int> artists, computed;                ///< seen styles
  std::vector<std::vector<int>> subjects_of;         ///< by style: what training may show in it
  std::vector<std::vector<int>> judged_subjects_of;  ///< the same with the held-out pairs
  std::vector<std::pair<int, int>> pairs_held_out;
};

void World::prepare(const std::filesystem::path& assets_dir, const std::filesystem::path& cache_dir,
                    ProgressSink& progress, const CancelToken& cancel) {
  prepare_drawings(Catalogue::read(assets_dir), cache_dir / "node_modules", drawings_file(cache_dir),
                   kDrawingSize, progress, cancel);
}

World::World(const std::filesystem::path& assets_dir, const std::filesystem::path& cache_dir, int size)
    : World(Catalogue::read(assets_dir), cache_dir, size) {}

World::World(Catalogue catalogue, const std::filesystem::path& cache_dir, int size) {
  if (size < 16 || size > kDrawingSize) {
    throw Error(ErrorKind::kUsage, "world", fmt::format("size {} is not in 16…{}", size, kDrawingSize),
                "for example --size 64");
  }
  impl_ = std::make_unique<Impl>(std::move(catalogue), cache_dir, size);
}

World::~World() = default;
World::World(World&&) noexcept = default;

int World::size() const { return impl_->size; }
const Catalogue& World::catalogue() const { return impl_->catalogue; }
bool World::has_drawing(int subject, int style) const {
  impl_->check(subject, style);
  return impl_->has_drawing(subject, style);
}

Scene World::sample(uint64_t index, Split split) const {
  Scene scene;
  scene.image = at::empty({3, impl_->size, impl_->size}, at::kFloat);
  std::tie(scene.caption, scene.content) =
      impl_->sample_into(index, split, scene.image.mutable_data_ptr<float>());
  return scene;
}

Scene World::describe(uint64_t index, Split split) const {
  Scene scene;
  std::tie(scene.caption, scene.content) = impl_->sample_into(index, split, nullptr);
  return scene;
}

SceneBatch World::sample_batch(uint64_t first_index, int64_t count, Split split) const {
  SceneBatch batch;
  batch.images = at::empty({count, 3, impl_->size, impl_->size}, at::kFloat);
  float* rgb = batch.images.mutable_data_ptr<float>();
  int64_t values = 3LL * impl_->size * impl_->size;
  for (int64_t i = 0; i < count; ++i) {
    auto [caption, content] =
        impl_->sample_into(first_index + static_cast<uint64_t>(i), split, rgb + i * values);
    batch.captions.push_back(std::move(caption));
    batch.contents.push_back(content);
  }
  return batch;
}

std::vector<std::pair<int, int>> World::pairs(Split split) const {
  std::vector<std::pair<int, int>> result;
  if (split == Split::kHeldOutPairs) {
    result = impl_->pairs_held_out;
  } else {
    const std::vector<std::vector<int>>& shown = impl_->subjects_by_style(split);
    for (size_t style = 0; style < shown.size(); ++style) {
      for (int subject : shown[style]) result.emplace_back(subject, static_cast<int>(style));
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

at::Tensor World::drawing(int subject, int style) const {
  impl_->check(subject, style);
  const Subject& what = impl_->catalogue.subjects[subject];
  const Style& how = impl_->catalogue.styles[style];
  if (what.purpose != Purpose::kTraining || how.purpose != Purpose::kTraining ||
      impl_->catalogue.held_out_pairs.count({subject, style})) {
    throw Error(ErrorKind::kUsage, "world", fmt::format("'{}' in '{}' is held out", what.id, how.id),
                "evaluation asks for it with World::evaluation_drawing");
  }
  return evaluation_drawing(subject, style);
}

at::Tensor World::evaluation_drawing(int subject, int style) const {
  return true_scene({.subject = subject, .style = style});
}

at::Tensor World::true_scene(const SceneContent& content) const {
  impl_->check(content.subject, content.style);
  at::Tensor image = at::empty({3, impl_->size, impl_->size}, at::kFloat);
  Canvas canvas(impl_->size, image.mutable_data_ptr<float>());
  paint_plain(canvas, impl_->catalogue, impl_->drawings, content);
  return image;
}

at::Tensor World::evaluation_scene(const SceneContent& content, uint64_t seed) const {
  impl_->check(content.subject, content.style);
  if (content.second_subject >= 0) impl_->check(content.second_subject, content.style);
  at::Tensor image = at::empty({3, impl_->size, impl_->size}, at::kFloat);
  Canvas canvas(impl_->size, image.mutable_data_ptr<float>());
  SceneRandom random(derive_seed(seed, "world: evaluation"));
  paint_scene(canvas, impl_->catalogue, impl_->drawings, content, random);
  return image;
}

std::string World::caption(const SceneContent& content, std::string_view subject_name,
                           std::string_view style_name) const {
  return plain_caption(impl_->catalogue, content, subject_name, style_name);
}

std::vector<std::string> World::vocabulary() const { return caption_vocabulary(impl_->catalogue); }

}  // namespace ziplora::mini
