#pragma once
/// What a merged file says of the files that it was made of, as its recipe in the metadata tells.
///
///     const MergeOrigin origin = origin_of(merged, adapters, sha256, progress);
///     origin.inputs[0].strength;   // of the first in the merge, which is adapters[origin.files[0]]

#include <string>
#include <vector>

#include "ziplora/base/progress.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

struct MergeOrigin {
  std::vector<MergeInput> inputs;  ///< in the order of the merge, with roles, strengths, prompts and digests
  std::vector<size_t> files;       ///< which of the adapters each is
  std::vector<std::string> joint_prompts;
};

/// Where the recipe is missing or names other files, the adapters count as its inputs in their own order, at strength 1,
/// the first as the subject, the second as the style; a note says so.
/// @param adapters  outlive the result
/// @param sha256    of each
MergeOrigin origin_of(const Adapter& merged, const std::vector<Adapter>& adapters,
                      const std::vector<std::string>& sha256, ProgressSink& progress);

}  // namespace ziplora
