#pragma once
/// The largest amount of memory that this process has held so far.

#include <cstdint>

namespace ziplora {

/// The peak of the resident set in bytes. The kernel counts memory-mapped weights once they are touched.
int64_t peak_memory_bytes();

}  // namespace ziplora
