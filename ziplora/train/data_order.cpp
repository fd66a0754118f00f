#include "ziplora/train/data_order.h"

#include <fmt/format.h>

#include <algorithm>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

/// Fisher–Yates; each swap has a seed of its own.
std::vector<int64_t> shuffled(std::vector<int64_t> items, uint64_t seed) {
  for (size_t i = items.size(); i > 1; --i)
    std::swap(items[i - 1], items[derive_seed(seed, fmt::format("swap {}", i)) % i]);
  return items;
}

}  // namespace

DataOrder::DataOrder(const std::vector<int64_t>& bucket_of_item, int64_t batch_size, uint64_t seed)
    : num_items_(static_cast<int64_t>(bucket_of_item.size())),
      batch_size_(batch_size),
      seed_(derive_seed(seed, "data order")) {
  for (int64_t item = 0; item < num_items_; ++item) {
    const auto bucket = static_cast<size_t>(bucket_of_item[static_cast<size_t>(item)]);
    if (items_of_bucket_.size() <= bucket) items_of_bucket_.resize(bucket + 1);
    items_of_bucket_[bucket].push_back(item);
  }
}

std::pair<int64_t, int64_t> DataOrder::turn(int64_t n) const {
  // After num_items turns every bucket has had exactly its share (no bucket is ever more than one turn ahead
  // of its share, and shares are whole then), so the turns repeat.
  const int64_t periods = n / num_items_;
  n %= num_items_;
  std::vector<int64_t> taken(items_of_bucket_.size(), 0);
  for (int64_t i = 0;; ++i) {
    size_t furthest_behind = 0;
    int64_t largest_deficit = INT64_MIN;
    for (size_t bucket = 0; bucket < taken.size(); ++bucket) {
      // share · (turns so far + 1) − turns taken, in units of 1 / num_items
      const auto size = static_cast<int64_t>(items_of_bucket_[bucket].size());
      const int64_t deficit = size * (i + 1) - taken[bucket] * num_items_;
      if (size > 0 && deficit > largest_deficit) largest_deficit = deficit, furthest_behind = bucket;
    }
    if (i == n) {
      const auto size = static_cast<int64_t>(items_of_bucket_[furthest_behind].size());
      return {static_cast<int64_t>(furthest_behind), periods * size + taken[furthest_behind]};
    }
    ++taken[furthest_behind];
  }
}

DataOrder::Batch DataOrder::batch(int64_t n) const {
  const auto [bucket, batches_before] = turn(n);
  const std::vector<int64_t>& items = items_of_bucket_[static_cast<size_t>(bucket)];
  const auto epoch_length = static_cast<int64_t>(items.size());
  Batch result{{}, n * batch_size_};
  std::vector<int64_t> epoch_items;
  int64_t epoch = -1;
  for (int64_t k = batches_before * batch_size_; k < (batches_before + 1) * batch_size_; ++k) {
    if (k / epoch_length != epoch) {
      epoch = k / epoch_length;
      epoch_items = shuffled(items, derive_seed(seed_, fmt::format("bucket {} epoch {}", bucket, epoch)));
    }
    result.items.push_back(epoch_items[static_cast<size_t>(k % epoch_length)]);
  }
  return result;
}

}  // namespace ziplora
