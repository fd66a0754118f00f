#pragma once
/// The files of a merge as its methods take them.
///
///     const std::vector<Adapter> adapters = read_inputs(plan.files, architecture, unused, progress);
///     std::vector<MergeInput> inputs = merge_inputs(plan.files, adapters);

#include <vector>

#include "ziplora/app/architecture.h"
#include "ziplora/app/merge.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

/// In the files' order. Warnings of the reader go to `progress`.
/// @throws as read_adapter
std::vector<Adapter> read_inputs(const std::vector<MergeFile>& files, const Architecture& architecture,
                                 const UnusedKeys& unused, ProgressSink& progress);

/// Their prompts are those given, else the first that the file itself names.
/// @param adapters  outlive the inputs
/// @throws as list_images
std::vector<MergeInput> merge_inputs(const std::vector<MergeFile>& files,
                                     const std::vector<Adapter>& adapters);

}  // namespace ziplora
