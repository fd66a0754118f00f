#include "ziplora/evaluate/image_scores.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

#include "ziplora/io/image_file.h"

namespace ziplora {
namespace {

/// Of vectors that have been made unit.
double cosine(const at::Tensor& a, const at::Tensor& b) { return a.dot(b).item<double>(); }

at::Tensor features_of(const Judge& judge, const std::filesystem::path& images) {
  return images.empty() ? at::Tensor() : judge.embed(list_images(images));
}

}  // namespace

const std::vector<MetricEntry>& metrics() {
  static const std::vector<MetricEntry> table = {
      {Metric::kLikeness, "likeness", "likeness", false},
      {Metric::kSubjectTold, "subject_told", "subject told", true},
      {Metric::kStyleTold, "style_told", "style told", true},
      {Metric::kRank, "reciprocal_rank", "1/rank", false},
      {Metric::kLeak, "leak", "leak", true},
      {Metric::kSubject, "subject_similarity", "subject", false},
      {Metric::kStyle, "style_similarity", "style", false},
      {Metric::kText, "text_similarity", "text", false},
      {Metric::kSubjectKept, "subject_kept", "subject kept", false},
      {Metric::kStyleKept, "style_kept", "style kept", false}};
  return table;
}

ImageScorer::ImageScorer(const Manifest& manifest, const Judge& judge) : manifest_(manifest) {
  embed_truths(judge);
  embed_images(judge);
  if (judge.reads_texts()) embed_words(judge);
}

void ImageScorer::embed_truths(const Judge& judge) {
  std::map<std::filesystem::path, size_t> rows;
  std::vector<std::filesystem::path> files;
  for (size_t pair = 0; pair < manifest_.pairs.size(); ++pair)
    for (size_t prompt = 0; prompt < manifest_.pairs[pair].truths.size(); ++prompt) {
      const std::filesystem::path& file = manifest_.pairs[pair].truths[prompt];
      if (file.empty()) continue;
      const auto [place, is_new] = rows.try_emplace(file, files.size());
      if (is_new) files.push_back(file);
      truths_.push_back({pair, prompt, place->second});
    }
  if (!files.empty()) truth_features_ = judge.embed(files);
}

void ImageScorer::embed_images(const Judge& judge) {
  for (const Manifest::Concept& subject : manifest_.subjects)
    subjects_.push_back(features_of(judge, subject.images));
  for (const Manifest::Concept& style : manifest_.styles) styles_.push_back(features_of(judge, style.images));
}

void ImageScorer::embed_words(const Judge& judge) {
  for (size_t pair = 0; pair < manifest_.pairs.size(); ++pair)
    for (size_t prompt = 0; prompt < manifest_.prompts.size(); ++prompt)
      if (!manifest_.is_candidate(manifest_.pairs[pair]))
        words_[{pair, prompt}] = judge.embed_texts({manifest_.words_of(manifest_.pairs[pair], prompt)})[0];
}

Scores ImageScorer::score(size_t pair, size_t prompt, const at::Tensor& image) const {
  Scores scores;
  const Manifest::Pair& of = manifest_.pairs[pair];
  if (!of.truths.empty()) compare_with_truths(pair, prompt, image, scores);
  scores[Metric::kSubject] = subjects_[of.subject].matmul(image).mean().item<double>();
  const at::Tensor to_style = styles_[of.style].matmul(image);
  scores[Metric::kStyle] = to_style.mean().item<double>();
  if (const auto likeness = scores.find(Metric::kLikeness); likeness != scores.end())
    scores[Metric::kLeak] = to_style.max().item<double>() > likeness->second;
  if (const auto words = words_.find({pair, prompt}); words != words_.end())
    scores[Metric::kText] = cosine(words->second, image);
  return scores;
}

Scores ImageScorer::score_own(size_t prompt, const at::Tensor& image, const at::Tensor& alone) const {
  const bool is_subjects = manifest_.kind_of(prompt) == Manifest::PromptKind::kSubjectsOwn;
  return {{is_subjects ? Metric::kSubjectKept : Metric::kStyleKept, cosine(image, alone)}};
}

void ImageScorer::compare_with_truths(size_t pair, size_t prompt, const at::Tensor& image,
                                      Scores& scores) const {
  const Manifest::Pair& of = manifest_.pairs[pair];
  const auto own = std::ranges::find_if(
      truths_, [&](const Truth& truth) { return truth.pair == pair && truth.prompt == prompt; });
  const at::Tensor cosines = truth_features_.matmul(image).contiguous();
  const float* cosine = cosines.data_ptr<float>();
  scores[Metric::kLikeness] = cosine[own->row];

  std::vector<bool> nearer(static_cast<size_t>(cosines.numel()), false);
  bool has_rival_subject = false, has_rival_style = false, subject_told = true, style_told = true;
  for (const Truth& truth : truths_) {
    if (truth.prompt != prompt || truth.row == own->row) continue;
    const Manifest::Pair& rival = manifest_.pairs[truth.pair];
    const bool is_nearer = cosine[truth.row] > cosine[own->row];
    if (is_nearer) nearer[truth.row] = true;
    if (rival.style == of.style) has_rival_subject = true, subject_told &= !is_nearer;
    if (rival.subject == of.subject) has_rival_style = true, style_told &= !is_nearer;
  }
  if (has_rival_subject) scores[Metric::kSubjectTold] = subject_told;
  if (has_rival_style) scores[Metric::kStyleTold] = style_told;
  scores[Metric::kRank] = 1.0 / static_cast<double>(1 + std::ranges::count(nearer, true));
}

}  // namespace ziplora
