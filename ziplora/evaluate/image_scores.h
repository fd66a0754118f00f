#pragma once
/// How well one image shows a pair, as one judge sees it. Under a joint prompt: against the true image where that is known,
/// against the images that the LoRAs learned from, and against the prompt's words. Under a LoRA's own prompt: against what it
/// draws alone.
///
///     const ImageScorer scorer(manifest, judge);
///     Scores scores = scorer.score(pair, prompt, judge.embed({"drawn.png"})[0]);
///     scores.at(Metric::kLikeness);   // 0.61: cosine to the true image

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <vector>

#include "ziplora/evaluate/judge.h"
#include "ziplora/evaluate/manifest.h"

namespace ziplora {

enum class Metric {
  kLikeness,     ///< cosine to the true image
  kSubjectTold,  ///< 1 if no other subject's true image in this style, for this prompt, is nearer; else 0
  kStyleTold,    ///< 1 if no other style's true image of this subject, for this prompt, is nearer; else 0
  kRank,         ///< 1 / place of the true image among those of all pairs for this prompt
  kLeak,         ///< 1 if one of the style's own images is nearer than the true image; else 0
  kSubject,      ///< mean cosine to the subject's images: CLIP-I, the DINO score
  kStyle,        ///< mean cosine to the style's images
  kText,         ///< cosine to the prompt's words: CLIP-T
  kSubjectKept,  ///< under the subject's own prompt, cosine to what its LoRA draws alone from the same noise
  kStyleKept,    ///< under the style's own prompt, cosine to what its LoRA draws alone from the same noise
};

struct MetricEntry {
  Metric metric;
  const char* name;     ///< in JSON and CSV
  const char* heading;  ///< of a column
  bool is_share;        ///< shown in percent
};
const std::vector<MetricEntry>& metrics();

/// Without those that the manifest or the judge gives no means for.
using Scores = std::map<Metric, double>;

class ImageScorer {
 public:
  /// Embeds all that images are compared with. Both outlive the scorer.
  ImageScorer(const Manifest& manifest, const Judge& judge);
  /// @param prompt  a joint one
  /// @param image   [D], of length 1
  Scores score(size_t pair, size_t prompt, const at::Tensor& image) const;
  /// @param prompt  an own one
  /// @param alone   [D], of what its LoRA draws alone
  Scores score_own(size_t prompt, const at::Tensor& image, const at::Tensor& alone) const;

 private:
  void embed_truths(const Judge& judge);
  void embed_images(const Judge& judge);
  void embed_words(const Judge& judge);
  void compare_with_truths(size_t pair, size_t prompt, const at::Tensor& image, Scores& scores) const;

  /// The true image of a pair for a prompt.
  struct Truth {
    size_t pair, prompt;
    size_t row;  ///< in truth_features_: the same file has one row
  };
  const Manifest& manifest_;
  std::vector<Truth> truths_;
  at::Tensor truth_features_;                              ///< [files, D]
  std::vector<at::Tensor> subjects_, styles_;              ///< by concept: its images' features, [images, D]
  std::map<std::pair<size_t, size_t>, at::Tensor> words_;  ///< by pair and prompt, [D]
};

}  // namespace ziplora
