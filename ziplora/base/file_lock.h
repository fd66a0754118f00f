#pragma once
/// flock(2) on an open file or folder: held until the descriptor is closed, that is, at most as long as the process
/// lives.
///
///     if (try_lock(descriptor) == FileLock::kTaken && has_name(descriptor, path)) …   // `path` is ours

#include <filesystem>

namespace ziplora {

enum class FileLock { kTaken, kHeldByAnother, kUnknownHere };  ///< the last: the file system knows no locks

/// Does not wait.
FileLock try_lock(int descriptor);

/// Whether `path` is still what was opened: between opening and locking, another process may have removed the name.
bool has_name(int descriptor, const std::filesystem::path& path);

}  // namespace ziplora
