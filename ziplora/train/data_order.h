#pragma once
/// The order in which a run sees its images. Stateless: every epoch's shuffle is drawn from (seed, epoch), so
/// a resumed run needs only the number of its next batch.
///
/// A batch holds images of one bucket (one shape). Buckets take turns in proportion to their number of
/// images: each batch goes to the bucket that is furthest behind its share. With one bucket, two batches of b
/// images are one batch of 2b, which makes gradient accumulation exact.
///
///     DataOrder order({0, 0, 1}, 2, seed);     // images 0 and 1 in bucket 0, image 2 in bucket 1
///     DataOrder::Batch batch = order.batch(7); // batch.items: two indices, batch.first_example: 14

#include <cstdint>
#include <vector>

namespace ziplora {

class DataOrder {
 public:
  struct Batch {
    /// Indices of images, all of one bucket; repeated if the bucket is smaller than the batch.
    std::vector<int64_t> items;
    /// The first one's number among all examples of the run; names its random draws.
    int64_t first_example;
  };

  /// @param bucket_of_item  0, 1, … for every image
  DataOrder(const std::vector<int64_t>& bucket_of_item, int64_t batch_size, uint64_t seed);

  Batch batch(int64_t n) const;

 private:
  /// The n-th turn: the bucket, and how many batches it had before.
  std::pair<int64_t, int64_t> turn(int64_t n) const;

  std::vector<std::vector<int64_t>> items_of_bucket_;
  int64_t num_items_, batch_size_;
  uint64_t seed_;
};

}  // namespace ziplora
