#pragma once
/// How much of what a page may send. That of LoRA files is an option (options.h).

#include <cstdint>

namespace ziplora::studio {

inline constexpr uint64_t kLargestImage = uint64_t{64} << 20;

}  // namespace ziplora::studio
