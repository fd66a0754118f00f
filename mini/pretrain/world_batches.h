#pragma once
/// Training scenes of the emoji world, drawn one step ahead in their own thread.
///
///     WorldBatches batches(world, 64, seed);
///     SceneBatch batch = batches.at(iteration);   // depends on the iteration alone

#include <future>

#include "mini/world/world.h"

namespace ziplora::mini {

class WorldBatches {
 public:
  /// @param seed  where in the endless sequence of scenes to begin
  WorldBatches(const World& world, int64_t batch_size, uint64_t seed);
  ~WorldBatches();
  SceneBatch at(int64_t iteration);

 private:
  SceneBatch draw(int64_t iteration) const;

  const World& world_;
  int64_t batch_size_;
  uint64_t seed_;
  int64_t next_iteration_ = -1;
  std::future<SceneBatch> next_;
};

}  // namespace ziplora::mini
