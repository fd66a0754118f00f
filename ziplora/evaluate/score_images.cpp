#include "ziplora/evaluate/score_images.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

namespace ziplora {
namespace {

using Features = std::map<std::filesystem::path, at::Tensor>;

std::vector<std::filesystem::path> files_of(const std::vector<EvaluatedImage>& images) {
  std::set<std::filesystem::path> files;
  for (const EvaluatedImage& image : images) {
    files.insert(image.file);
    if (!image.alone.empty()) files.insert(image.alone);
  }
  return {files.begin(), files.end()};
}

Features features_of(const std::vector<std::filesystem::path>& files, const Judge& judge,
                     ProgressSink& progress, const CancelToken& cancel) {
  constexpr size_t kBetweenLooks = 32;  // at the cancel token
  Stage stage(progress, "score", static_cast<int64_t>(files.size()));
  Features features;
  for (size_t begin = 0; begin < files.size(); begin += kBetweenLooks) {
    cancel.throw_if_cancelled("score", "run the same command again: what is made is kept");
    const std::span batch = std::span(files).subspan(begin, std::min(kBetweenLooks, files.size() - begin));
    const at::Tensor rows = judge.embed({batch.begin(), batch.end()});
    for (size_t i = 0; i < batch.size(); ++i) {
      features[batch[i]] = rows[static_cast<int64_t>(i)];
      stage.step();
    }
  }
  return features;
}

}  // namespace

void score_images(const Manifest& manifest, const Judge& judge, std::vector<EvaluatedImage>& images,
                  ProgressSink& progress, const CancelToken& cancel) {
  const ImageScorer scorer(manifest, judge);
  const Features features = features_of(files_of(images), judge, progress, cancel);
  for (EvaluatedImage& image : images) {
    const at::Tensor& own = features.at(image.file);
    image.scores.push_back(image.alone.empty()
                               ? scorer.score(image.pair, image.prompt, own)
                               : scorer.score_own(image.prompt, own, features.at(image.alone)));
  }
}

}  // namespace ziplora
