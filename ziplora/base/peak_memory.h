#pragma once
/// The most memory that this process has held so far.

#include <cstdint>

namespace ziplora {

/// Resident set at its largest, in bytes, as the kernel counts it (memory-mapped weights count once touched).
int64_t peak_memory_bytes();

}  // namespace ziplora
