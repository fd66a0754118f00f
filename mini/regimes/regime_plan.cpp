#include "mini/regimes/regime_plan.h"

#include <algorithm>

#include "mini/regimes/regime_planner.h"
#include "mini/regimes/regime_world.h"
#include "ziplora/base/nearest_name.h"

namespace ziplora::mini {
namespace {

/// The training seed of what is trained twice, and which subjects are: every fourth, so that they are of many kinds.
constexpr int kSecondSeed = 2;
constexpr size_t kTrainedTwice = 4;

void one_image(RegimePlanner& planner) {
  for (const int subject : regime_subjects(planner.world().catalogue(), planner.half()))
    planner.subject_with_styles(subject, {}, 1);
}

void many_images(RegimePlanner& planner) {
  for (const int subject : regime_subjects(planner.world().catalogue(), planner.half()))
    planner.subject_with_styles(subject, {}, kManyImages);
}

void many_images_second_seed(RegimePlanner& planner) {
  const std::vector<int> subjects = regime_subjects(planner.world().catalogue(), planner.half());
  for (size_t i = 0; i < subjects.size(); i += kTrainedTwice)
    planner.subject_with_styles(subjects[i], {.training_seed = kSecondSeed}, kManyImages, kSecondSeed);
}

void known_class(RegimePlanner& planner) {
  for (const int subject : turned_subjects_of_half(planner.turned(), planner.half())) {
    planner.subject_with_styles(subject, {.turned = true}, kManyImages);
    planner.subject_with_styles(subject, {.trained = false}, kManyImages);
  }
}

}  // namespace

const std::vector<Regime>& regimes() {
  static const std::vector<Regime> table = {
      {"B", "B", "a style's LoRA learns from 32 images", many_images},
      {"C", "C", "a subject of a seen class, its hues turned; styles as in B", known_class},
      {"B2", "B, seed 2", "every fourth subject and all styles of B, trained with another seed",
       many_images_second_seed},
      {"A", "A", "a style's LoRA learns from one image, as in the paper", one_image},
  };
  return table;
}

const Regime& find_regime(const std::string& name) {
  std::vector<std::string> names;
  for (const Regime& regime : regimes()) {
    if (regime.name == name) return regime;
    names.emplace_back(regime.name);
  }
  throw unknown_name("regimes", name, names);
}

const std::vector<std::string>& regime_prompts() {
  static const std::vector<std::string> prompts = {"{subject}, {style}", "{subject} at night, {style}"};
  return prompts;
}

nlohmann::json many_images_settings() {
  return {{"targets", "linear"}, {"lr", 1e-3}, {"iterations", 400}, {"views", 4}};
}

std::string PlannedLora::stem() const {
  std::string stem;
  for (const char letter : name)
    if (letter != ',') stem += letter == ' ' ? '-' : letter;
  return stem;
}

RegimePlan plan_regimes(const World& world, Purpose half) {
  RegimePlanner planner(world, half);
  for (const Regime& regime : regimes()) {
    planner.begin(regime);
    regime.plan(planner);
  }
  return planner.plan();
}

bool is_asked_for(const PlannedPair& pair, const std::vector<std::string>& names, int64_t subjects) {
  return std::ranges::find(names, pair.regime) != names.end() &&
         (subjects < 0 || pair.place < static_cast<size_t>(subjects));
}

std::vector<const PlannedLora*> planned_trainings(const RegimePlan& plan,
                                                  const std::vector<std::string>& names, int64_t subjects) {
  std::vector<const PlannedLora*> result;
  const auto add = [&](const PlannedLora& lora) {
    if (!lora.images.empty() && std::ranges::find(result, &lora) == result.end()) result.push_back(&lora);
  };
  for (const PlannedPair& pair : plan.pairs) {
    if (!is_asked_for(pair, names, subjects)) continue;
    add(plan.styles[pair.style]);
    add(plan.subjects[pair.subject]);
  }
  return result;
}

}  // namespace ziplora::mini
