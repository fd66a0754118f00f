#pragma once
/// Where an output goes, known before the work: links are followed, and what cannot hold a file is refused.
///
///     const OutputTarget target = find_output_target("latest.safetensors");  // a link to runs/7.safetensors
///     target.path;                                                           // "runs/7.safetensors"

#include <sys/types.h>

#include <filesystem>
#include <optional>

namespace ziplora {

struct OutputTarget {
  std::filesystem::path path;  ///< what links lead to
  bool is_stream = false;      ///< a pipe or a character device, which is written into, never replaced
  /// Permissions of the file that is there; nothing: there is none.
  std::optional<mode_t> mode = std::nullopt;
  /// The folder that `path` is in.
  std::filesystem::path folder() const;
  /// The folder whose disk takes the bytes: what goes into a stream is collected first. Empty: not known.
  std::filesystem::path storage_folder() const;
};

/// @throws Error(kUsage) if the name is empty, a folder, a disk or a socket; Error(kFailed) if the folder does
///         not exist, the name is too long, links lead in a circle, or a pipe or device may not be written to
OutputTarget find_output_target(const std::filesystem::path& path);

/// Follows the links of `path` itself, also where it ends with a slash; what they lead to need not exist.
/// @throws Error(kFailed) if they lead in a circle
std::filesystem::path follow_links(const std::filesystem::path& path);

/// @param output  what the message names
/// @throws Error(kFailed) if `folder` is none, or cannot be looked into
void require_folder(const std::filesystem::path& folder, const std::filesystem::path& output);

}  // namespace ziplora
