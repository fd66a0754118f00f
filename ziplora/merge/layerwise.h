#pragma once
/// The frame of every merge method whose result for one layer depends on that layer alone: goes through the
/// layers, reports progress, obeys Ctrl-C, and says which layers were not in all inputs.
///
///     return merge_layerwise(inputs, context, [](const std::string& target, const LayerParts& parts) { … });

#include <functional>
#include <string>

#include "ziplora/merge/layer_parts.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

/// @param parts  at least one, in order of the inputs
using MergeLayer = std::function<LoraLayer(const std::string& target, const LayerParts& parts)>;

/// Differences of biases and norms have no factors: every method adds them with the inputs' weights.
/// A layer that only some inputs touch is merged from those, as PEFT does; `report.partly_covered` counts
/// such layers, and for each input the report names how many of the layers it has.
/// @throws Error(kUsage) without inputs, Error(kIncompatible) as layers_side_by_side, Error(kInterrupted)
MergeResult merge_layerwise(const std::vector<MergeInput>& inputs, MergeContext& context,
                            const MergeLayer& merge_layer);

/// "subject", "style (ink.safetensors)": how messages name an input.
std::string name_of(const MergeInput& input);

}  // namespace ziplora
