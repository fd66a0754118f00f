#pragma once
/// Divides work into parts that threads take one after the other, so that a slow thread takes fewer of them.
///
///     for_each_part(parts, threads, [&](int64_t part, int64_t thread) { results[part] = … });
///
/// The calling thread is thread 0. The others run with a niceness of ten, on systems that have it, and so use
/// only what other programs leave. The caller limits PyTorch's own threads: `OneTorchThread` in nn does that.

#include <cstdint>
#include <functional>

namespace ziplora {

/// Returns when all parts are done.
/// @throws the first exception of a part, after all threads have stopped
void for_each_part(int64_t parts, int64_t threads,
                   const std::function<void(int64_t part, int64_t thread)>& work);

}  // namespace ziplora
