#pragma once
/// Brings the folders of a comparison that several machines worked on into one.
///
///     const TakenIn taken = take_in({"out/a", "out/b"}, folder, progress, cancel);

#include <cstddef>
#include <filesystem>
#include <vector>

#include "ziplora/app/evidence_folder.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora {

struct TakenIn {
  size_t merges = 0, images = 0;
  size_t doubles = 0;    ///< were there already
  size_t differing = 0;  ///< of the doubles: pixels or tensors are not the same
};

/// Copies merges and images that `into` lacks, each whole or not at all. What it has stays: of copies that differ, as
/// machines of another kind make them, the first that came counts.
/// @param from  output folders of `evaluate`
/// @throws Error(kUsage) for a folder that is none of them, Error(kInput) for a double that cannot be read,
///         Error(kInterrupted), and as AtomicFile
TakenIn take_in(const std::vector<std::filesystem::path>& from, const EvidenceFolder& into,
                ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
