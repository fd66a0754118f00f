#include "ziplora/evaluate/image_scores.h"

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/image_file.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;

/// Flat colours: their cosines are those of the colours, from −1 to 1.
class ColouredPairs : public testing::Test {
 protected:
  ColouredPairs() {
    manifest_.subjects = {{.name = "red", .lora = "r", .prompt = "red", .images = colour("red", 1, 0, 0)},
                          {.name = "green", .prompt = "green"}};
    manifest_.styles = {{.name = "plain", .lora = "p", .prompt = "plain", .images = colour("white", 1, 1, 1)},
                        {.name = "dark", .prompt = "dark"}};
    manifest_.prompts = {"{subject} {style}", "{style} {subject}"};
    manifest_.pairs = {{0, 0, {colour("pink", 1, 0.5, 0.5), colour("rose", 1, 0.4, 0.4)}},
                       {1, 0, {colour("lime", 0.5, 1, 0.5), {}}},
                       {0, 1, {colour("brown", 0.5, 0, 0), {}}},
                       {1, 1, {colour("olive", 0, 0.5, 0), {}}}};
  }
  ~ColouredPairs() override { fs::remove_all(folder_); }

  fs::path colour(const std::string& name, double r, double g, double b) {
    const at::Tensor image = at::ones({3, 8, 8});
    image[0] *= r, image[1] *= g, image[2] *= b;
    write_png(folder_ / (name + ".png"), image);
    return folder_ / (name + ".png");
  }

  Scores scores_of(const fs::path& drawn, size_t prompt = 0) {
    return ImageScorer(manifest_, judge_).score(0, prompt, judge_.embed({drawn})[0]);
  }

  const fs::path folder_ = new_temporary_folder("ziplora-scores");
  const Judge judge_{"pixels"};
  Manifest manifest_;
};

TEST_F(ColouredPairs, TheTrueImageIsToldAndFirst) {
  const Scores scores = scores_of(folder_ / "pink.png");
  EXPECT_NEAR(scores.at(Metric::kLikeness), 1, 1e-5);
  EXPECT_EQ(scores.at(Metric::kSubjectTold), 1);
  EXPECT_EQ(scores.at(Metric::kStyleTold), 1);
  EXPECT_EQ(scores.at(Metric::kRank), 1);
  EXPECT_FALSE(scores.contains(Metric::kText));  // pixels read no texts
}

/// What is like the true image of another pair is told as that, along the axis on which it is another.
TEST_F(ColouredPairs, ErrorsAreToldAlongTheirAxis) {
  const Scores other_subject = scores_of(folder_ / "lime.png");
  EXPECT_EQ(other_subject.at(Metric::kSubjectTold), 0);
  EXPECT_EQ(other_subject.at(Metric::kRank), 0.5);
  const Scores other_style = scores_of(folder_ / "brown.png");
  EXPECT_EQ(other_style.at(Metric::kSubjectTold), 1);
  EXPECT_EQ(other_style.at(Metric::kStyleTold), 0);
}

/// The style's image is white: what is drawn so shows the style's own image, not the subject in it.
TEST_F(ColouredPairs, TheStylesOwnImageLeaks) {
  EXPECT_EQ(scores_of(folder_ / "pink.png").at(Metric::kLeak), 0);
  EXPECT_EQ(scores_of(colour("grey", 0.9, 0.8, 0.8)).at(Metric::kLeak), 1);
}

/// One of several is enough: their mean lies further off than the true image.
TEST_F(ColouredPairs, OneOfTheStylesImagesIsEnoughToLeak) {
  const fs::path images = folder_ / "plain";
  fs::create_directory(images);
  fs::copy_file(folder_ / "white.png", images / "white.png");
  fs::copy_file(colour("black", 0, 0, 0), images / "black.png");
  manifest_.styles[0].images = images;
  EXPECT_EQ(scores_of(folder_ / "white.png").at(Metric::kLeak), 1);
}

/// From −1 to 1, red is (1, −1, −1) and pink (1, d, d) with d = 2 · 128/255 − 1 = 1/255.
TEST_F(ColouredPairs, CosinesAreThoseOfTheColours) {
  constexpr double d = 1.0 / 255;
  const Scores scores = scores_of(folder_ / "red.png");
  EXPECT_NEAR(scores.at(Metric::kLikeness), (1 - 2 * d) / std::sqrt(3 * (1 + 2 * d * d)), 1e-5);
  EXPECT_NEAR(scores.at(Metric::kSubject), 1, 1e-5);
  EXPECT_NEAR(scores.at(Metric::kStyle), -1.0 / 3, 1e-5);
}

/// Only pink has a true image for the second prompt: nothing rivals it there.
TEST_F(ColouredPairs, PromptsAreNotMixed) {
  const Scores scores = scores_of(folder_ / "lime.png", 1);
  EXPECT_FALSE(scores.contains(Metric::kSubjectTold));
  EXPECT_EQ(scores.at(Metric::kRank), 1);
}

/// One drawing under two names, as of two LoRAs of a style, rivals nothing.
TEST_F(ColouredPairs, TheSameTrueImageIsNoRival) {
  manifest_.styles.push_back({.name = "plain, seed 2", .prompt = "plain"});
  manifest_.pairs.push_back({0, 2, manifest_.pairs[0].truths});
  EXPECT_EQ(scores_of(folder_ / "pink.png").at(Metric::kStyleTold), 1);
}

TEST_F(ColouredPairs, AreMeasuredWithoutTrueImages) {
  manifest_.pairs[0].truths.clear();
  const Scores scores = scores_of(folder_ / "pink.png");
  EXPECT_FALSE(scores.contains(Metric::kLikeness));
  EXPECT_FALSE(scores.contains(Metric::kLeak));
  EXPECT_TRUE(scores.contains(Metric::kSubject));
}

}  // namespace
}  // namespace ziplora
