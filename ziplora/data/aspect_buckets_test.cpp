#include "ziplora/data/aspect_buckets.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

bool contains(const std::vector<ImageSize>& buckets, const ImageSize& size) {
  return std::find(buckets.begin(), buckets.end(), size) != buckets.end();
}

TEST(AspectBuckets, HoldTheWellKnownSizesOfSdxl) {
  const auto buckets = aspect_buckets({.resolution = 1024, .step = 64});
  for (const ImageSize& size : {ImageSize{1024, 1024},
                                {1152, 896},
                                {1216, 832},
                                {1344, 768},
                                {1600, 640},
                                {896, 1152},
                                {832, 1216},
                                {768, 1344},
                                {640, 1536},
                                {2048, 512}})
    EXPECT_TRUE(contains(buckets, size)) << size.height << " × " << size.width;
}

TEST(AspectBuckets, KeepTheirPromises) {
  for (const AspectBucketOptions& options :
       {AspectBucketOptions{1024, 64, 4.0}, {64, 8, 2.0}, {64, 16, 4.0}, {8, 8, 4.0}, {512, 8, 1.0}}) {
    const auto buckets = aspect_buckets(options);
    EXPECT_TRUE(contains(buckets, {options.resolution, options.resolution}));
    for (const ImageSize& size : buckets) {
      EXPECT_EQ(size.height % options.step, 0);
      EXPECT_EQ(size.width % options.step, 0);
      EXPECT_LE(size.height * size.width, options.resolution * options.resolution);
      EXPECT_LE(std::max(size.height, size.width), options.max_ratio * std::min(size.height, size.width));
      EXPECT_TRUE(contains(buckets, {size.width, size.height}));
      EXPECT_EQ(std::count(buckets.begin(), buckets.end(), size), 1);
    }
  }
}

TEST(AspectBuckets, ChooseTheClosestRatio) {
  const auto buckets = aspect_buckets({.resolution = 1024, .step = 64});
  const auto bucket = [&](int64_t height, int64_t width) {
    return buckets[nearest_bucket({height, width}, buckets)];
  };
  EXPECT_EQ(bucket(77, 77), (ImageSize{1024, 1024}));
  EXPECT_EQ(bucket(3000, 2000), (ImageSize{1216, 832}));
  EXPECT_EQ(bucket(1080, 1920), (ImageSize{768, 1344}));
  EXPECT_EQ(bucket(100, 10'000), (ImageSize{512, 2048}));  // beyond the widest
}

TEST(AspectBuckets, RefuseImpossibleOptions) {
  EXPECT_THROW(aspect_buckets({.resolution = 100, .step = 64}), Error);
  EXPECT_THROW(aspect_buckets({.resolution = 0, .step = 64}), Error);
  EXPECT_THROW(aspect_buckets({.resolution = 64, .step = 0}), Error);
  EXPECT_THROW(aspect_buckets({.resolution = 64, .step = 8, .max_ratio = 0.5}), Error);
}

}  // namespace
}  // namespace ziplora
