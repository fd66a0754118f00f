#include "mini/report/scene_marks.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <random>

#include "mini/judge/attribute_heads.h"
#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

constexpr size_t kCandidates = 20;

/// True if the image lies nearer to the first of the scenes than to any other.
/// @param scenes  [N, D]
/// @param image   [D]
bool first_is_nearest(const at::Tensor& scenes, const at::Tensor& image) {
  return at::matmul(scenes, image).argmax().item<int64_t>() == 0;
}

}  // namespace

SceneMarker::SceneMarker(const World& world, const ImageJudge& judge, uint64_t seed)
    : world_(world), judge_(judge), seed_(seed) {}

at::Tensor SceneMarker::true_scene(const SceneContent& content, uint64_t variant) const {
  return world_.evaluation_scene(content, derive_seed(seed_, fmt::format("true scene {}", variant)));
}

at::Tensor SceneMarker::embeds_of(const std::vector<SceneContent>& contents) const {
  std::vector<at::Tensor> scenes;
  for (const SceneContent& content : contents) scenes.push_back(true_scene(content));
  return judge_.embed(at::stack(scenes));
}

const SceneMarker::Candidates& SceneMarker::candidates_of(const SceneContent& content) {
  const auto known = candidates_.find(content);
  if (known != candidates_.end()) return known->second;
  return candidates_[content] = {.own = embeds_of({content}),
                                 .subjects = embeds_of(with_other_subjects(content)),
                                 .styles = embeds_of(with_other_styles(content))};
}

/// Drawn at random: neighbours in the catalogue are of one kind, which would make it easy, or hard.
std::vector<SceneContent> SceneMarker::with_other_subjects(const SceneContent& content) const {
  const std::vector<Subject>& subjects = world_.catalogue().subjects;
  const Subject& own = subjects[content.subject];
  std::vector<int> others;
  for (int i = 0; i < static_cast<int>(subjects.size()); ++i)
    if (i != content.subject && subjects[i].purpose == own.purpose && world_.has_drawing(i, content.style))
      others.push_back(i);
  std::mt19937_64 random(derive_seed(seed_, "candidates beside " + own.id));
  std::shuffle(others.begin(), others.end(), random);
  others.resize(std::min(others.size(), kCandidates - 1));
  std::vector<SceneContent> result{content};
  for (const int other : others) {
    result.push_back(content);
    result.back().subject = other;
  }
  return result;
}

std::vector<SceneContent> SceneMarker::with_other_styles(const SceneContent& content) const {
  std::vector<SceneContent> result{content};
  for (int i = 0; i < static_cast<int>(world_.catalogue().styles.size()); ++i)
    if (i != content.style && world_.has_drawing(content.subject, i)) {
      result.push_back(content);
      result.back().style = i;
    }
  return result;
}

Marks SceneMarker::marks_of(const at::Tensor& image, const SceneContent& content) {
  const Candidates& candidates = candidates_of(content);
  const at::Tensor embed = judge_.embed(image.unsqueeze(0));
  Marks marks;
  marks["subject"] = first_is_nearest(candidates.subjects, embed[0]);
  marks["style"] = first_is_nearest(candidates.styles, embed[0]);
  marks["similarity"] = at::matmul(candidates.own, embed[0]).item<double>();
  const Catalogue& catalogue = world_.catalogue();
  if (catalogue.styles[content.style].keeps_background)
    marks["background"] = attribute_accuracy({{"background", judge_.logits(embed).at("background")}},
                                             attribute_labels(catalogue, {content}))
                              .at("background");
  return marks;
}

void MeanMarks::add(const Marks& image) {
  for (const auto& [mark, value] : image) values_[mark].push_back(value);
}

Marks MeanMarks::means() const {
  Marks means;
  for (const auto& [mark, values] : values_)
    means[mark] = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  return means;
}

}  // namespace ziplora::mini
