#include "mini/regimes/regime_planner.h"

#include <fmt/format.h>

#include <set>

#include "mini/regimes/regime_world.h"
#include "mini/report/lora_folder.h"
#include "mini/report/lora_questions.h"
#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

/// Of regime_prompts(), in their order.
constexpr const char* kBackgrounds[] = {"white", "night"};

std::string with_seed(const std::string& name, int training_seed) {
  return training_seed == 0 ? name : fmt::format("{}, seed {}", name, training_seed);
}

}  // namespace

RegimePlanner::RegimePlanner(const World& world, Purpose half)
    : world_(world), half_(half), turned_(turned_subjects(world)) {}

void RegimePlanner::begin(const Regime& regime) {
  regime_ = regime.name;
  subjects_of_regime_ = 0;
}

void RegimePlanner::subject_with_styles(int subject, const SubjectVariant& variant, size_t images,
                                        int style_seed) {
  const size_t subjects_before = plan_.subjects.size();
  const size_t planned = this->subject(subject, variant), place = subjects_of_regime_;
  subjects_of_regime_ += variant.trained;
  for (const int style : regime_styles(world_.catalogue(), half_)) {
    // Ink has no hue: the candidate would be the drawing itself.
    const bool is_the_same = !variant.trained && world_.catalogue().styles[style].ink;
    if (world_.has_drawing(subject, style) && !is_the_same)
      plan_.pairs.push_back({planned, this->style(style, images, style_seed), regime_, place,
                             truths(subject, variant.turned, style)});
  }
  if (variant.trained && plan_.subjects.size() > subjects_before)
    lend_learned_looks(subject, variant, planned);
}

void RegimePlanner::lend_learned_looks(int subject, const SubjectVariant& variant, size_t planned) {
  std::set<int> styles;
  for (const ShownScene& scene : shown_scenes(world_, subject)) styles.insert(scene.content.style);
  for (const int style : styles)
    plan_.pairs.push_back(
        {planned, look(style), regime_, subjects_of_regime_, truths(subject, variant.turned, style)});
}

size_t RegimePlanner::subject(int subject, const SubjectVariant& variant) {
  const Subject& what = world_.catalogue().subjects[subject];
  const std::string name = with_seed(what.id + (variant.turned ? ", turned" : ""), variant.training_seed);
  const auto [known, is_new] = subjects_.try_emplace(name, plan_.subjects.size());
  if (!is_new) return known->second;
  // The base knows what a turned subject is, so its own words take the place of the category's.
  const std::string prompt = variant.turned ? "a sks " + what.words : subject_name(what);
  PlannedLora lora{name, prompt, what.article + " " + what.words, prompt, {}};
  if (variant.trained) {
    lora.images = images_of_subject(subject, variant.turned);
    for (PlannedImage& image : lora.images) image.caption = world_.caption(image.content, prompt);
    lora.settings["seed"] = variant.training_seed;
  }
  plan_.subjects.push_back(std::move(lora));
  return known->second;
}

size_t RegimePlanner::style(int style, size_t images, int training_seed) {
  const Style& how = world_.catalogue().styles[style];
  const std::string name = with_seed(fmt::format("{}, {}", how.id, images), training_seed);
  const auto [known, is_new] = styles_.try_emplace(name, plan_.styles.size());
  if (!is_new) return known->second;
  PlannedLora lora{name, std::string("in ") + kStyleName, "in " + how.phrases.front(), "", {}};
  lora.images = images_of_style(style, images);
  lora.instance_prompt = lora.images.front().caption;
  lora.settings = images == 1 ? style_settings() : many_images_settings();
  lora.settings["seed"] = training_seed;
  plan_.styles.push_back(std::move(lora));
  return known->second;
}

size_t RegimePlanner::look(int style) {
  const Style& how = world_.catalogue().styles[style];
  const auto [known, is_new] = styles_.try_emplace(how.id, plan_.styles.size());
  const std::string words = "in " + how.phrases.front();
  if (is_new) plan_.styles.push_back({how.id, words, words, "", {}});
  return known->second;
}

std::vector<PlannedImage> RegimePlanner::images_of_subject(int subject, bool turned) const {
  std::vector<PlannedImage> images;
  for (const auto& [stem, content] : shown_scenes(world_, subject)) {
    images.push_back({stem, content, "", derive_seed(0, stem)});
    images.back().content.turned = turned;
  }
  return images;
}

std::vector<PlannedImage> RegimePlanner::images_of_style(int style, size_t count) const {
  std::vector<SceneContent> contents{shown_scene_of_style(world_, style)};
  if (count > 1) {
    contents.clear();
    for (const int subject : style_image_subjects(world_, style, turned_))
      contents.push_back({.subject = subject, .style = style});
  }
  std::vector<PlannedImage> images;
  for (const SceneContent& content : contents)
    images.push_back({world_.catalogue().subjects[content.subject].id,
                      content,
                      world_.caption(content, "", kStyleName),
                      {}});
  return images;
}

std::vector<std::optional<SceneContent>> RegimePlanner::truths(int subject, bool turned, int style) const {
  const Catalogue& catalogue = world_.catalogue();
  std::vector<std::optional<SceneContent>> truths;
  for (const char* background : kBackgrounds) {
    const SceneContent content{
        .subject = subject, .style = style, .background = catalogue.background(background), .turned = turned};
    // A style with a ground of its own has no true drawing on another.
    const bool is_asked = content.background == 0 || catalogue.styles[style].keeps_background;
    truths.push_back(is_asked ? std::optional(content) : std::nullopt);
  }
  return truths;
}

}  // namespace ziplora::mini
