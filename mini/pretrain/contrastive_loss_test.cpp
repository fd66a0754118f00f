#include "mini/pretrain/contrastive_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

at::Tensor scale_of(double factor) { return at::full({1}, std::log(factor)); }

TEST(ContrastiveLoss, OfPairsThatAgreeAndNoneOfTheOthersHasAClosedForm) {
  const at::Tensor images = at::eye(4, at::kFloat) * 3,
                   texts = at::eye(4, at::kFloat) * 0.1;  // lengths do not count
  const double expected = std::log(1 + 3 * std::exp(-5.0));
  EXPECT_NEAR(contrastive_loss(images, texts, scale_of(5)).item<double>(), expected, 1e-6);
  // Every image with another's text: the same logits, the wrong one of them counts.
  EXPECT_NEAR(contrastive_loss(images, texts.roll(1, 0), scale_of(5)).item<double>(), expected + 5, 1e-5);
}

TEST(ContrastiveLoss, CountsBothDirectionsAlike) {
  const at::Tensor images = at::randn({5, 8}, make_generator(1)),
                   texts = at::randn({5, 8}, make_generator(2));
  const double forth = contrastive_loss(images, texts, scale_of(10)).item<double>();
  EXPECT_NEAR(contrastive_loss(texts, images, scale_of(10)).item<double>(), forth, 1e-6);
  EXPECT_GT(forth, contrastive_loss(images, images, scale_of(10)).item<double>() + 0.5);
}

TEST(ContrastiveLoss, TheScaleHasAnEnd) {
  const at::Tensor images = at::randn({5, 8}, make_generator(1)),
                   texts = at::randn({5, 8}, make_generator(2));
  EXPECT_EQ(contrastive_loss(images, texts, at::full({1}, 9.0)).item<float>(),
            contrastive_loss(images, texts, at::full({1}, 4.6)).item<float>());
}

TEST(OwnCaptionNearest, CountsImagesThatLieByTheirOwnWords) {
  const at::Tensor images = at::eye(4, at::kFloat) * 3;
  at::Tensor texts = at::eye(4, at::kFloat) * 0.1;
  EXPECT_EQ(own_caption_nearest(images, texts, {"a", "b", "c", "d"}), 1.0);
  texts = texts.index_select(0, at::tensor({1, 0, 2, 3}));  // the first two changed places
  EXPECT_EQ(own_caption_nearest(images, texts, {"a", "b", "c", "d"}), 0.5);
  EXPECT_EQ(own_caption_nearest(images, texts, {"a", "a", "c", "d"}), 1.0) << "with one caption in common";
}

}  // namespace
}  // namespace ziplora::mini
