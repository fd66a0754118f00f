#pragma once
/// What an image shows, decided by the nearest true drawing in the judge's space: the subject among twenty
/// subjects in the wanted style, the style among all styles of the wanted subject.
///
///     SceneMarker marker(world, judge, seed);
///     Marks marks = marker.marks_of(drawn, question.content);   // {{"subject", 1}, {"style", 0}, …}

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "mini/judge/image_judge.h"
#include "mini/world/world.h"

namespace ziplora::mini {

/// Of one image, or means over several:
///     subject, style   1 where it is right, else 0
///     background       the same by the judge's head; only in styles that keep it
///     similarity       cosine to the true scene
using Marks = std::map<std::string, double>;

class SceneMarker {
 public:
  /// @param world, judge  outlive this
  SceneMarker(const World& world, const ImageJudge& judge, uint64_t seed);

  /// The artist's drawing. Variants differ in place and shade; images are compared with variant 0.
  at::Tensor true_scene(const SceneContent& content, uint64_t variant = 0) const;
  /// @param image  [3, S, S] float32 in 0…1
  Marks marks_of(const at::Tensor& image, const SceneContent& content);

 private:
  /// Embeddings [N, D] of the true scenes that images of one content are compared with, its own first.
  struct Candidates {
    at::Tensor own, subjects, styles;
  };
  const Candidates& candidates_of(const SceneContent& content);
  at::Tensor embeds_of(const std::vector<SceneContent>& contents) const;
  std::vector<SceneContent> with_other_subjects(const SceneContent& content) const;
  std::vector<SceneContent> with_other_styles(const SceneContent& content) const;

  const World& world_;
  const ImageJudge& judge_;
  uint64_t seed_;
  /// Several adapters draw the same contents, and the artist's own scenes are judged beside each.
  std::map<SceneContent, Candidates> candidates_;
};

/// Means over images, each mark over those that have it.
class MeanMarks {
 public:
  void add(const Marks& image);
  Marks means() const;

 private:
  std::map<std::string, std::vector<double>> values_;
};

}  // namespace ziplora::mini
