#pragma once
/// What a merged file says of itself and of what it was made from.
///
///     merged.metadata = merged_metadata(request, inputs, digests, how, report, progress);
///
/// The recipe (method, options, seed, inputs with their sha256, results), all inputs' trigger words and tag
/// frequencies, and what their metadata agree on. Where they do not, a warning says so.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/app/merge.h"
#include "ziplora/base/progress.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

/// @param digests  sha256 of each input
/// @param recipe   method and options, or steps
/// @param report   of the method
StringMap merged_metadata(const MergeRequest& request, const std::vector<MergeInput>& inputs,
                          const std::vector<std::string>& digests, nlohmann::json recipe,
                          const nlohmann::json& report, ProgressSink& progress);

}  // namespace ziplora
