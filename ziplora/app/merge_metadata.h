#pragma once
/// The metadata of a merged file: what it is and what it was made from.
///
///     merged.metadata = merged_metadata(request, inputs, digests, recipe, report, progress);
///
/// They hold the recipe (method, options, seed, inputs with their sha256, results), the trigger words and tag
/// frequencies of all inputs, and what the inputs' metadata agree on. A warning tells where they disagree.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/app/merge.h"
#include "ziplora/base/progress.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

/// @param digests  sha256 of each input
/// @param recipe   method, options and joint prompts, or steps
/// @param report   of the method
StringMap merged_metadata(const MergeRequest& request, const std::vector<MergeInput>& inputs,
                          const std::vector<std::string>& digests, nlohmann::json recipe,
                          const MergeReport& report, ProgressSink& progress);

}  // namespace ziplora
