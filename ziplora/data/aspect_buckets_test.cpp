#include "ziplora/data/aspect_buckets.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// What kohya's make_bucket_resolutions((512, 512), 256, 1024, 64) returns; height first here.
TEST(AspectBuckets, AreKohyas) {
  const std::vector<ImageSize> kohyas{{832, 256}, {896, 256}, {960, 256}, {1024, 256}, {704, 320}, {768, 320},
                                      {640, 384}, {576, 448}, {512, 512}, {448, 576},  {384, 640}, {320, 704},
                                      {320, 768}, {256, 832}, {256, 896}, {256, 960},  {256, 1024}};
  EXPECT_EQ(aspect_buckets({.resolution = 512, .step = 64}), kohyas);
}

/// The same with ((1024, 1024), 512, 2048, 64), its portraits and the square.
TEST(AspectBuckets, AreKohyasForSdxl) {
  const std::vector<ImageSize> kohyas{{1856, 512}, {1920, 512}, {1984, 512}, {2048, 512}, {1664, 576},
                                      {1728, 576}, {1792, 576}, {1536, 640}, {1600, 640}, {1408, 704},
                                      {1472, 704}, {1280, 768}, {1344, 768}, {1216, 832}, {1152, 896},
                                      {1088, 960}, {1024, 1024}};
  std::vector<ImageSize> portraits;
  const auto buckets = aspect_buckets({.resolution = 1024, .step = 64});
  std::ranges::copy_if(buckets, std::back_inserter(portraits),
                       [](const ImageSize& size) { return size.height >= size.width; });
  EXPECT_EQ(portraits, kohyas);
  EXPECT_EQ(buckets.size(), 33u);
}

TEST(AspectBuckets, KeepTheirPromisesAtSmallSizes) {
  for (const AspectBucketOptions& options :
       {AspectBucketOptions{64, 8}, {64, 16}, {24, 8}, {8, 8}, {512, 8}}) {
    const auto buckets = aspect_buckets(options);
    const auto count = [&](const ImageSize& size) { return std::ranges::count(buckets, size); };
    EXPECT_EQ(count({options.resolution, options.resolution}), 1);
    for (const ImageSize& size : buckets) {
      EXPECT_EQ(size.height % options.step, 0);
      EXPECT_EQ(size.width % options.step, 0);
      EXPECT_LE(size.height * size.width, options.resolution * options.resolution);
      EXPECT_LE(std::max(size.height, size.width), 2 * options.resolution);
      EXPECT_GE(2 * std::min(size.height, size.width), options.resolution);
      EXPECT_EQ(count(size), 1);
      EXPECT_EQ(count({size.width, size.height}), 1);
    }
  }
}

TEST(AspectBuckets, ChooseAsKohyaDoes) {
  const auto buckets = aspect_buckets({.resolution = 1024, .step = 64});
  const auto bucket = [&](int64_t height, int64_t width) {
    return buckets[nearest_bucket({height, width}, buckets)];
  };
  EXPECT_EQ(bucket(77, 77), (ImageSize{1024, 1024}));
  EXPECT_EQ(bucket(3000, 2000), (ImageSize{1216, 832}));
  EXPECT_EQ(bucket(1080, 1920), (ImageSize{768, 1344}));
  EXPECT_EQ(bucket(100, 10'000), (ImageSize{512, 2048}));  // beyond the widest
  EXPECT_EQ(bucket(1369, 1000), (ImageSize{1216, 832}));   // by difference; the nearest factor is 1152 × 896
}

TEST(AspectBuckets, AnExactSizeIsItsOwnBucketWhereTwoShareARatio) {
  const std::vector<ImageSize> buckets{{32, 32}, {64, 64}};
  EXPECT_EQ(nearest_bucket({64, 64}, buckets), 1u);
  EXPECT_EQ(nearest_bucket({70, 70}, buckets), 0u);
}

TEST(AspectBuckets, RefuseImpossibleOptions) {
  EXPECT_THROW(aspect_buckets({.resolution = 100, .step = 64}), Error);
  EXPECT_THROW(aspect_buckets({.resolution = 0, .step = 64}), Error);
  EXPECT_THROW(aspect_buckets({.resolution = 64, .step = 0}), Error);
}

}  // namespace
}  // namespace ziplora
