#pragma once
/// The random numbers of scenes: the same on every machine and standard library, and cheap to construct,
/// since every scene has a generator of its own. (std::mt19937_64 first fills 2.5 kB of state, and the
/// standard leaves its distributions to the implementation; at::Generator draws tensors.)
///
///     SceneRandom random(derive_seed(index, "world train"));
///     if (random.chance(0.15)) flip();
///
/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ziplora::mini {

class SceneRandom {
 public:
  explicit SceneRandom(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  float uniform() { return static_cast<float>(next() >> 40) * 0x1p-24f; }
  float between(float low, float high) { return low + (high - low) * uniform(); }
  bool chance(float probability) { return uniform() < probability; }
  /// In 0 … count − 1.
  size_t below(size_t count) { return static_cast<size_t>((next() >> 32) * count >> 32); }

  template <typename T>
  const T& choose(const std::vector<T>& things) {
    return things[below(things.size())];
  }

 private:
  uint64_t state_;
};

}  // namespace ziplora::mini
