#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mini/judge/attribute_heads.h"
#include "mini/judge/frechet_distance.h"
#include "mini/judge/image_judge.h"
#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/evaluate/image_features.h"
#include "ziplora/io/image_file.h"

namespace ziplora::mini {
namespace {

TEST(FrechetDistance, IsZeroForTheSameFeatures) {
  const at::Tensor a = at::randn({50, 8}, make_generator(1));
  EXPECT_NEAR(frechet_distance(a, a), 0.0, 1e-6);  // float32 features, roots of eigenvalues
}

TEST(FrechetDistance, OfScaledAndShiftedFeaturesHasAClosedForm) {
  // y = 3 x + d: the covariances commute, so tr(Σ + 9 Σ − 6 Σ) = 4 tr Σ, and the means differ by 2 μ + d.
  const at::Tensor x = at::randn({60, 5}, make_generator(2)).to(at::kDouble);
  const at::Tensor d = at::tensor({1.0, 0.0, -2.0, 0.0, 0.5}, at::kDouble);
  const at::Tensor y = x * 3 + d;
  const double expected = (x.mean(0) * 2 + d).pow(2).sum().item<double>() + 4 * x.var(0).sum().item<double>();
  EXPECT_NEAR(frechet_distance(x, y), expected, 1e-9 * expected);
}

TEST(FrechetDistance, OfOneFeatureIsRefused) {
  EXPECT_THROW(frechet_distance(at::randn({1, 4}), at::randn({9, 4})), Error);
}

const std::filesystem::path kRoot = ZIPLORA_ROOT_DIR;

/// Four subjects of two categories, two styles of which the second shows no background, three backgrounds.
Catalogue small_catalogue() {
  Catalogue catalogue;
  catalogue.subjects.resize(4);
  for (size_t i = 0; i < 4; ++i) catalogue.subjects[i].category = i < 2 ? "animal" : "food";
  catalogue.styles.resize(2);
  catalogue.styles[1].keeps_background = false;
  catalogue.backgrounds.resize(3);
  return catalogue;
}

TEST(AttributeHeads, LossIsTheMeanOfCrossEntropiesOfUnitVectorsLengthenedToTwelve) {
  AttributeHeads heads(small_catalogue(), /*projection_dim=*/2);
  heads.for_each_parameter([](const std::string& path, Module::Parameter& parameter) {
    *parameter.tensor = at::zeros(parameter.shape);
    if (path == "style.weight") (*parameter.tensor)[0][0] = 0.1;
  });
  const AttributeLabels labels =
      attribute_labels(small_catalogue(), {{.subject = 0, .style = 0}, {.subject = 3, .style = 1}});
  // Style: logits (1.2, 0) with label 0, then (0, 0). Of the backgrounds only the first row's is asked for.
  const double style = (std::log1p(std::exp(-1.2)) + std::log(2.0)) / 2;
  const double expected = (std::log(4.0) + std::log(5.0) + style + std::log(3.0) / 2 + std::log(2.0)) / 5;
  EXPECT_NEAR(heads.loss(at::tensor({2.f, 0.f, 0.f, 7.f}).view({2, 2}), labels).item<double>(), expected,
              1e-6);
}

TEST(AttributeAccuracy, LeavesRowsWithoutALabelOut) {
  const std::map<std::string, at::Tensor> logits = {
      {"style", at::tensor({1.f, 0.f, 0.f, 1.f, 1.f, 0.f}).view({3, 2})}};  // says 0, 1, 0
  EXPECT_DOUBLE_EQ(attribute_accuracy(logits, {{"style", at::tensor({0, 1, 1}, at::kLong)}}).at("style"),
                   2.0 / 3);
  EXPECT_DOUBLE_EQ(
      attribute_accuracy(logits, {{"style", at::tensor({0L, kNoLabel, kNoLabel}, at::kLong)}}).at("style"),
      1.0);
}

/// So `evaluate` scores with what the laboratory trained, and with nothing else.
TEST(ImageJudge, GivesTheEmbeddingsThatEvaluateTakesFromItsFolder) {
  const ImageJudge judge(kRoot / "assets/judges/clip", Catalogue::read(kRoot / "mini/assets"));
  const ImageEncoder encoder = open_image_encoder(kRoot / "assets/judges/clip");
  EXPECT_EQ(encoder.name(), "CLIP ViT-128/8, 64 px, bicubic");
  std::vector<at::Tensor> images;
  for (const auto& file : list_images(kRoot / "assets/demo/subject")) images.push_back(read_image(file));
  const at::Tensor ours = judge.embed(at::stack(images)), theirs = encoder.embed(at::stack(images));
  ASSERT_EQ(theirs.sizes(), (std::vector<int64_t>{5, 128}));
  EXPECT_LT((ours - theirs).abs().max().item<float>(), 1e-6f);
}

}  // namespace
}  // namespace ziplora::mini
