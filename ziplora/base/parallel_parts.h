#pragma once
/// Work cut into parts that threads take one after the other, so that a slow thread takes fewer.
///
///     for_each_part(parts, threads, [&](int64_t part, int64_t thread) { results[part] = … });
///
/// The calling thread is thread 0. The others are nicer by ten, where the system knows niceness: they take
/// what the machine has left. PyTorch's own threads are the caller's matter: `OneTorchThread` (nn) is for
/// that.

#include <cstdint>
#include <functional>

namespace ziplora {

/// Returns when every part is done. @throws what a part threw first, after all threads have stopped
void for_each_part(int64_t parts, int64_t threads,
                   const std::function<void(int64_t part, int64_t thread)>& work);

}  // namespace ziplora
