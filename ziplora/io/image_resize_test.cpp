#include "ziplora/io/image_resize.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

TEST(ImageResize, SizesAndRange) {
  at::Tensor image = at::zeros({3, 40, 60});
  image.narrow(2, 30, 30).fill_(1);  // an edge makes bicubic overshoot
  const at::Tensor small = resize_image(image, 17, 29);
  EXPECT_EQ(small.sizes(), (std::vector<int64_t>{3, 17, 29}));
  EXPECT_GE(small.min().item<float>(), 0.0f);
  EXPECT_LE(small.max().item<float>(), 1.0f);
  EXPECT_NEAR(small.mean().item<float>(), 0.5f, 0.02f);
}

TEST(ImageResize, ShrinkingAveragesFineStripes) {
  // Without antialiasing one of the two colours would be picked; PIL gives grey.
  const at::Tensor stripes = (at::arange(64, at::kFloat).remainder(2)).expand({3, 64, 64}).contiguous();
  const at::Tensor small = resize_image(stripes, 8, 8).narrow(2, 1, 6);
  EXPECT_NEAR(small.min().item<float>(), 0.5f, 0.05f);
  EXPECT_NEAR(small.max().item<float>(), 0.5f, 0.05f);
}

TEST(ImageResize, CoverKeepsProportions) {
  EXPECT_EQ(resize_to_cover(at::zeros({3, 100, 200}), 50, 50).sizes(), (std::vector<int64_t>{3, 50, 100}));
  EXPECT_EQ(resize_to_cover(at::zeros({3, 30, 10}), 64, 64).sizes(), (std::vector<int64_t>{3, 192, 64}));
  EXPECT_EQ(resize_to_cover(at::zeros({3, 333, 100}), 77, 64).sizes(), (std::vector<int64_t>{3, 213, 64}));
}

TEST(ImageResize, CenterCropTakesTheMiddle) {
  const at::Tensor image = at::arange(5 * 7, at::kFloat).reshape({1, 5, 7});
  EXPECT_TRUE(at::equal(center_crop(image, 3, 3), image.narrow(1, 1, 3).narrow(2, 2, 3)));
  EXPECT_THROW(center_crop(image, 6, 3), Error);
}

}  // namespace
}  // namespace ziplora
