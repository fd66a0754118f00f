#include "ziplora/data/augmentation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <set>

#include "ziplora/base/rng.h"
#include "ziplora/io/image_resize.h"

namespace ziplora {
namespace {

/// Every pixel differs, and nothing is resized when one side fits.
at::Tensor numbered(int64_t height, int64_t width) {
  return (at::arange(3 * height * width, at::kFloat) / (3 * height * width)).reshape({3, height, width});
}

TEST(Augmentation, CentreCropIsTheMiddleAndDrawsNothing) {
  const at::Tensor image = numbered(8, 14);
  const CroppedImage view = crop_view(image, {.target = {8, 8}}, make_generator(1));
  EXPECT_TRUE(at::equal(view.pixels, image.narrow(2, 3, 8)));
  EXPECT_EQ(view.original, (ImageSize{8, 14}));
  EXPECT_EQ(view.crop_top, 0);
  EXPECT_EQ(view.crop_left, 3);
}

TEST(Augmentation, CropCountsInTheResizedImageAndOriginalIsBefore) {
  const CroppedImage view = crop_view(numbered(32, 16), {.target = {8, 8}}, make_generator(1));
  EXPECT_EQ(view.pixels.sizes(), (std::vector<int64_t>{3, 8, 8}));
  EXPECT_EQ(view.original, (ImageSize{32, 16}));
  EXPECT_EQ(view.crop_top, 4);
  EXPECT_EQ(view.crop_left, 0);
}

TEST(Augmentation, RandomCropReachesEveryPlaceAndSaysWhere) {
  const at::Tensor image = numbered(12, 8);
  at::Generator generator = make_generator(1);
  std::set<int64_t> tops;
  for (int i = 0; i < 200; ++i) {
    const CroppedImage view = crop_view(image, {.target = {8, 8}, .crop = CropPosition::kRandom}, generator);
    tops.insert(view.crop_top);
    ASSERT_TRUE(at::equal(view.pixels, image.narrow(1, view.crop_top, 8)));
  }
  EXPECT_EQ(tops, (std::set<int64_t>{0, 1, 2, 3, 4}));
}

TEST(Augmentation, MirrorsHalfTheTime) {
  const at::Tensor image = numbered(8, 8);
  at::Generator generator = make_generator(1);
  int mirrored = 0;
  for (int i = 0; i < 200; ++i) {
    const CroppedImage view =
        crop_view(image, {.target = {8, 8}, .mirroring = Mirroring::kHalfTheTime}, generator);
    const bool flipped = at::equal(view.pixels, image.flip({2}));
    ASSERT_TRUE(flipped || at::equal(view.pixels, image));
    mirrored += flipped;
  }
  EXPECT_NEAR(mirrored, 100, 30);
}

TEST(Augmentation, TheCropsPlaceCountsInTheMirroredImage) {
  const at::Tensor image = numbered(8, 13);
  at::Generator generator = make_generator(1);
  std::set<int64_t> lefts_of_mirrored;
  for (int i = 0; i < 200; ++i) {
    const CroppedImage view =
        crop_view(image, {{8, 8}, CropPosition::kRandom, Mirroring::kHalfTheTime}, generator);
    const bool plain = at::equal(view.pixels, image.narrow(2, view.crop_left, 8));
    ASSERT_TRUE(plain || at::equal(view.pixels, image.flip({2}).narrow(2, view.crop_left, 8)));
    if (!plain) lefts_of_mirrored.insert(view.crop_left);
  }
  EXPECT_EQ(lefts_of_mirrored, (std::set<int64_t>{0, 1, 2, 3, 4, 5}));
}

TEST(Augmentation, MirroringLeavesTheCropsDrawsAlone) {
  at::Generator one = make_generator(5), two = make_generator(5);
  for (int i = 0; i < 20; ++i) {
    const CroppedImage plain =
        crop_view(numbered(12, 8), {{8, 8}, CropPosition::kRandom, Mirroring::kNever}, one);
    const CroppedImage mirrored =
        crop_view(numbered(12, 8), {{8, 8}, CropPosition::kRandom, Mirroring::kHalfTheTime}, two);
    EXPECT_EQ(plain.crop_top, mirrored.crop_top);
  }
}

TEST(Augmentation, ZoomShowsPartsOfEverySizeAndSaysWhere) {
  const at::Tensor image = numbered(8, 12);
  at::Generator generator = make_generator(1);
  std::set<int64_t> heights;
  for (int i = 0; i < 200; ++i) {
    const CroppedImage view =
        crop_view(image, {.target = {8, 8}, .crop = CropPosition::kRandom, .zoom = 2}, generator);
    EXPECT_EQ(view.original, (ImageSize{8, 12}));
    bool found = false;  // the view does not say to which height it was resized
    for (int64_t height = 8; height <= 16 && !found; ++height) {
      const at::Tensor resized = resize_to_cover(image, height, height);
      if (view.crop_top + 8 > resized.size(1) || view.crop_left + 8 > resized.size(2)) continue;
      found = at::equal(view.pixels,
                        resized.narrow(1, view.crop_top, 8).narrow(2, view.crop_left, 8).contiguous());
      if (found) heights.insert(height);
    }
    ASSERT_TRUE(found) << "view " << i;
  }
  EXPECT_EQ(heights, (std::set<int64_t>{8, 9, 10, 11, 12, 13, 14, 15, 16}));
}

TEST(Augmentation, ZoomLeavesTheMirrorsDrawsAlone) {
  const at::Tensor image = numbered(8, 8);
  at::Generator one = make_generator(5), two = make_generator(5);
  for (int i = 0; i < 20; ++i) {
    const CroppedImage plain =
        crop_view(image, {.target = {8, 8}, .mirroring = Mirroring::kHalfTheTime}, one);
    const CroppedImage zoomed =
        crop_view(image, {.target = {8, 8}, .mirroring = Mirroring::kHalfTheTime, .zoom = 2}, two);
    const auto mirrored = [](const CroppedImage& view) {  // `numbered` grows to the right
      return view.pixels[0][0][0].item<float>() > view.pixels[0][0][7].item<float>();
    };
    EXPECT_EQ(mirrored(plain), mirrored(zoomed));
  }
}

}  // namespace
}  // namespace ziplora
