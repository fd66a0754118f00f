#pragma once
/// How many pages may listen at once: each holds a thread of the server.

namespace ziplora::studio {

inline constexpr int kMostStreams = 32;

}  // namespace ziplora::studio
