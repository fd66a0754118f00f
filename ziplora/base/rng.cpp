#include "ziplora/base/rng.h"

#include <ATen/CPUGeneratorImpl.h>

namespace ziplora {

at::Generator make_generator(uint64_t seed) { return at::detail::createCPUGenerator(seed); }

uint64_t derive_seed(uint64_t seed, std::string_view purpose) {
  // FNV-1a over the purpose, then splitmix64's finalizer: published, stable, without state.
  uint64_t hash = 0xcbf29ce484222325ull ^ seed;
  for (unsigned char c : purpose) hash = (hash ^ c) * 0x100000001b3ull;
  hash += 0x9e3779b97f4a7c15ull;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebull;
  return hash ^ (hash >> 31);
}

}  // namespace ziplora
