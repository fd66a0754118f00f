#include "mini/pretrain/world_batches.h"

namespace ziplora::mini {

WorldBatches::WorldBatches(const World& world, int64_t batch_size, uint64_t seed)
    : world_(world), batch_size_(batch_size), seed_(seed) {}

WorldBatches::~WorldBatches() {
  if (next_.valid()) next_.wait();
}

SceneBatch WorldBatches::draw(int64_t iteration) const {
  return world_.sample_batch(seed_ + static_cast<uint64_t>(iteration * batch_size_), batch_size_,
                             Split::kTrain);
}

SceneBatch WorldBatches::at(int64_t iteration) {
  const bool ahead = next_.valid() && next_iteration_ == iteration;
  if (next_.valid() && !ahead) next_.wait();
  SceneBatch batch = ahead ? next_.get() : draw(iteration);
  next_iteration_ = iteration + 1;
  next_ = std::async(std::launch::async, [this, iteration] { return draw(iteration + 1); });
  return batch;
}

}  // namespace ziplora::mini
