#include "ziplora/lora/all_finite.h"

#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace ziplora {
namespace {

/// The exponent bits of one number, repeated over 64 bits. A number is NaN or Inf if all of them are set.
/// Adding the lowest of them then carries into the sign bit, which the mask has cleared, and never into a
/// neighbour.
struct Lanes {
  uint64_t exponent, lowest, carry;
};

template <typename Word>
constexpr Lanes lanes(Word exponent, Word lowest) {
  Lanes result{0, 0, 0};
  for (size_t shift = 0; shift < 64; shift += 8 * sizeof(Word)) {
    result.exponent |= static_cast<uint64_t>(exponent) << shift;
    result.lowest |= static_cast<uint64_t>(lowest) << shift;
    result.carry |= uint64_t{1} << (shift + 8 * sizeof(Word) - 1);
  }
  return result;
}

bool none_carries(const unsigned char* bytes, size_t size, const Lanes& lanes) {
  uint64_t carried = 0;
  size_t at = 0;
  for (; at + 64 <= size; at += 64) {
    uint64_t words[8];
    std::memcpy(words, bytes + at, 64);
    for (const uint64_t word : words) carried |= (word & lanes.exponent) + lanes.lowest;
  }
  for (; at < size; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes + at, std::min<size_t>(8, size - at));
    carried |= (word & lanes.exponent) + lanes.lowest;
  }
  return (carried & lanes.carry) == 0;
}

}  // namespace

bool all_finite(const at::Tensor& values) {
  const at::Tensor dense = values.detach().cpu().contiguous();
  const auto* bytes = static_cast<const unsigned char*>(dense.const_data_ptr());
  switch (dense.scalar_type()) {
    case at::kHalf:
      return none_carries(bytes, dense.nbytes(), lanes<uint16_t>(0x7C00, 0x0400));
    case at::kBFloat16:
      return none_carries(bytes, dense.nbytes(), lanes<uint16_t>(0x7F80, 0x0080));
    case at::kFloat:
      return none_carries(bytes, dense.nbytes(), lanes<uint32_t>(0x7F800000, 0x00800000));
    default:
      return at::isfinite(dense).all().item<bool>();
  }
}

}  // namespace ziplora
