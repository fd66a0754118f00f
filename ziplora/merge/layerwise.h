#pragma once
/// The frame of every merge method whose result for one layer depends on that layer alone. It goes through
/// the layers, reports progress, obeys Ctrl-C and tells which layers were not in all inputs.
///
///     return merge_layerwise(inputs, context, [](const std::string& target, const LayerParts& parts) { … });

#include <functional>
#include <string>
#include <vector>

#include "ziplora/merge/layer_parts.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

/// @param parts  at least one, in the order of the inputs
using MergeLayer = std::function<LoraLayer(const std::string& target, const LayerParts& parts)>;

/// Changes to biases and norms have no factors: every method adds them, times the inputs' strengths. A layer
/// that only some inputs touch is merged from those, as in PEFT; `report.coverage` counts such layers.
/// @throws Error(kUsage) without inputs, Error(kIncompatible) as layers_side_by_side, Error(kInterrupted)
MergeResult merge_layerwise(const std::vector<MergeInput>& inputs, MergeContext& context,
                            const MergeLayer& merge_layer);

/// How messages name an input: "subject", "style (ink.safetensors)".
std::string describe(const MergeInput& input);

/// "subject", "style"; a further input of the same role gets a number: "adapter", "adapter_2".
std::vector<std::string> unique_names(const std::vector<MergeInput>& inputs);

/// The inputs as terms of the exact sum.
std::vector<AdapterTerm> terms_of(const std::vector<MergeInput>& inputs);

}  // namespace ziplora
