#include "mini/regimes/regime_world.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <map>

#include "mini/pretrain/mini_config.h"
#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

constexpr size_t kTurnedSubjects = 4;
constexpr const char *kTurnedIn = "noto", *kTooFine = "halftone";

template <typename Thing>
std::vector<int> of_purpose(const std::vector<Thing>& things, Purpose purpose) {
  std::vector<int> result;
  for (size_t i = 0; i < things.size(); ++i)
    if (things[i].purpose == purpose) result.push_back(static_cast<int>(i));
  return result;
}

/// How far the drawing's mean colour moves, 0…1: a rainbow stays a rainbow.
double change_by_turning(const World& world, int subject) {
  SceneContent content{.subject = subject, .style = world.catalogue().style(kTurnedIn)};
  const at::Tensor as_drawn = world.true_scene(content);
  content.turned = true;
  return (world.true_scene(content) - as_drawn).mean({1, 2}).abs().mean().item<double>();
}

/// "Red apple" would contradict what is shown.
bool names_a_colour(const Catalogue& catalogue, const Subject& subject) {
  const std::string padded = " " + subject.words + " ";
  return std::ranges::any_of(catalogue.palettes, [&](const Palette& palette) {
    const std::string first = palette.words.substr(0, palette.words.find_first_of(", "));
    return padded.find(" " + first + " ") != std::string::npos;
  });
}

}  // namespace

World open_regime_world(const WorldPlace& place, ProgressSink& progress, const CancelToken& cancel) {
  World::prepare(place.assets, place.cache, progress, cancel);
  Catalogue catalogue = Catalogue::read(place.assets);
  catalogue.add_held_out_styles(place.assets / "regimes.json");
  return World(std::move(catalogue), place.cache, kImageSize);
}

std::vector<int> regime_subjects(const Catalogue& catalogue, Purpose half) {
  return of_purpose(catalogue.subjects, half);
}

std::vector<int> regime_styles(const Catalogue& catalogue, Purpose half) {
  std::vector<int> styles = of_purpose(catalogue.styles, half);
  std::erase(styles, catalogue.style(kTooFine));
  return styles;
}

std::vector<int> turned_subjects(const World& world) {
  const std::vector<Subject>& subjects = world.catalogue().subjects;
  std::map<std::string, std::pair<double, int>> best;  // by category
  for (const int subject : of_purpose(subjects, Purpose::kTraining)) {
    const std::vector<std::string>& icons = subjects[subject].icons;
    if (std::ranges::find(icons, "") != icons.end() || names_a_colour(world.catalogue(), subjects[subject]))
      continue;
    std::pair<double, int>& of_category =
        best.try_emplace(subjects[subject].category, -1.0, -1).first->second;
    const double change = change_by_turning(world, subject);
    if (change > of_category.first) of_category = {change, subject};
  }
  std::vector<std::pair<double, int>> ranked;
  for (const auto& [_, subject] : best) ranked.push_back(subject);
  std::ranges::stable_sort(ranked, std::ranges::greater(), &std::pair<double, int>::first);
  std::vector<int> result;
  for (const auto& [_, subject] : ranked) result.push_back(subject);
  result.resize(std::min(result.size(), 2 * kTurnedSubjects));
  return result;
}

std::vector<int> turned_subjects_of_half(const std::vector<int>& turned, Purpose half) {
  std::vector<int> result;
  for (size_t i = half == Purpose::kDevelopment ? 0 : 1; i < turned.size(); i += 2)
    result.push_back(turned[i]);
  return result;
}

std::vector<int> style_image_subjects(const World& world, int style, const std::vector<int>& left_out) {
  const std::vector<Subject>& subjects = world.catalogue().subjects;
  std::vector<int> result;
  for (const int subject : of_purpose(subjects, Purpose::kTraining))
    if (world.has_drawing(subject, style) && std::ranges::find(left_out, subject) == left_out.end())
      result.push_back(subject);
  std::ranges::sort(result, {},
                    [&](int subject) { return derive_seed(0, "style images: " + subjects[subject].id); });
  result.resize(std::min(result.size(), kManyImages));
  return result;
}

}  // namespace ziplora::mini
