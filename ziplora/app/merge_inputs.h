#pragma once
/// The files of a merge as its methods take them.
///
///     std::vector<MergeInput> inputs = merge_inputs(plan.files, adapters);

#include <vector>

#include "ziplora/app/merge.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

/// In the files' order. Their prompts are those given, else the first that the file itself names.
/// @param adapters  outlive the inputs
/// @throws as list_images
std::vector<MergeInput> merge_inputs(const std::vector<MergeFile>& files,
                                     const std::vector<Adapter>& adapters);

}  // namespace ziplora
