#pragma once
/// The hidden files and folders in which outputs grow before they get their names: .ziplora-<random>.part. Their
/// names are short whatever the output's, so that the longest names work.
///
///     const TemporaryPart part = make_part_file("results");   // the caller closes its descriptor
///
/// Each is locked with flock(2) as long as its descriptor is open, that is, as long as its process lives. One that
/// nobody holds was left by a process that was killed, and the next run that writes into the folder removes it.
/// Process numbers would not do: they are reused, and mean nothing to another container or machine that shares
/// the folder. Where a file system knows no locks, what is left behind stays.

#include <filesystem>

namespace ziplora {

struct TemporaryPart {
  std::filesystem::path path;
  int descriptor;  ///< holds the lock; of a file: open for reading and writing
};

/// Removes what was left in the folder first. New files and folders have the permissions that the umask leaves.
/// @throws Error(kFailed) or Error(kExhausted) if it cannot be made; `output` is what the message names
TemporaryPart make_part_file(const std::filesystem::path& folder, const std::filesystem::path& output);
TemporaryPart make_part_folder(const std::filesystem::path& folder, const std::filesystem::path& output);

/// A file without a name, in the system's folder for temporary files, which goes with its descriptor.
int make_nameless_file(const std::filesystem::path& output);

}  // namespace ziplora
