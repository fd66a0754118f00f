#include "ziplora/train/data_order.h"

#include <gtest/gtest.h>

#include <map>

namespace ziplora {
namespace {

std::vector<int64_t> first_items(const DataOrder& order, int64_t batches) {
  std::vector<int64_t> items;
  for (int64_t n = 0; n < batches; ++n) {
    const DataOrder::Batch batch = order.batch(n);
    items.insert(items.end(), batch.items.begin(), batch.items.end());
  }
  return items;
}

TEST(DataOrder, EveryEpochShowsEveryImageOnce) {
  const DataOrder order({0, 0, 0, 0, 0}, 1, 7);
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::map<int64_t, int> shown;
    for (int64_t n = 0; n < 5; ++n) ++shown[order.batch(epoch * 5 + n).items.front()];
    EXPECT_EQ(shown, (std::map<int64_t, int>{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}}));
  }
}

TEST(DataOrder, TwoBatchesAreOneOfTwiceTheSize) {
  const std::vector<int64_t> one_bucket(7, 0);
  EXPECT_EQ(first_items(DataOrder(one_bucket, 2, 3), 12), first_items(DataOrder(one_bucket, 4, 3), 6));
}

TEST(DataOrder, ASeedIsAnOrder) {
  const std::vector<int64_t> one_bucket(20, 0);
  EXPECT_EQ(first_items(DataOrder(one_bucket, 1, 3), 20), first_items(DataOrder(one_bucket, 1, 3), 20));
  EXPECT_NE(first_items(DataOrder(one_bucket, 1, 3), 20), first_items(DataOrder(one_bucket, 1, 4), 20));
}

TEST(DataOrder, BatchesKeepToOneBucketAndBucketsGetTheirShare) {
  const std::vector<int64_t> buckets{0, 1, 1, 0, 2, 0};  // 3, 2 and 1 images
  const DataOrder order(buckets, 2, 5);
  std::map<int64_t, int> batches_of_bucket, shown;
  for (int64_t n = 0; n < 12; ++n) {  // two periods
    const DataOrder::Batch batch = order.batch(n);
    EXPECT_EQ(batch.first_example, 2 * n);
    for (int64_t item : batch.items) {
      EXPECT_EQ(buckets[static_cast<size_t>(item)], buckets[static_cast<size_t>(batch.items.front())]);
      ++shown[item];
    }
    ++batches_of_bucket[buckets[static_cast<size_t>(batch.items.front())]];
  }
  EXPECT_EQ(batches_of_bucket, (std::map<int64_t, int>{{0, 6}, {1, 4}, {2, 2}}));
  EXPECT_EQ(shown, (std::map<int64_t, int>{{0, 4}, {1, 4}, {2, 4}, {3, 4}, {4, 4}, {5, 4}}));
}

}  // namespace
}  // namespace ziplora
