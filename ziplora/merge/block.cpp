// The merge method `block`: the exact sum with a weight for each block and input,
//
//     ΔW_layer = Σ_k w_k b_k(block of the layer) ΔW_k
//
// By default B-LoRA's choice (arXiv 2403.14572): of the subject only the UNet block that carries content
// (up_blocks.0.attentions.0), of the style only the one that carries style (up_blocks.0.attentions.1). Any
// other by kohya's lists of block weights or by names: block_weights.h. What has weight 0 is left out of the
// file.
#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/merge/block_weights.h"
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

std::string option_of(const MergeInput& input) { return input.role + "-blocks"; }

/// The input's layers and vectors in the blocks asked for, scaled by the block's weight.
Adapter chosen_layers(const MergeInput& input, const std::string& text, const TargetNames& names) {
  const std::string where = "merge: --" + option_of(input);
  const BlockWeights weights = BlockWeights::parse(text, where);
  weights.require_paths_in(names, where);
  Adapter chosen{.layers = {},
                 .metadata = input.adapter->metadata,
                 .source = input.adapter->source,
                 .dialect = input.adapter->dialect};
  for (const auto& [target, layer] : input.adapter->layers) {
    const double weight = weights.of(*names.find(target));
    if (weight == 0) continue;
    chosen.layers[target] = layer;
    if (weight != 1)
      chosen.layers[target].lora_alpha = weight * layer.scale() * static_cast<double>(layer.rank());
  }
  for (const auto& [parameter, delta] : input.adapter->vector_deltas) {
    const TargetName* target = names.find(parameter.substr(0, parameter.rfind('.')));
    const double weight = weights.of(*target);
    if (weight != 0) chosen.vector_deltas[parameter] = weight == 1 ? delta : delta.to(at::kFloat) * weight;
  }
  if (chosen.layers.empty() && chosen.vector_deltas.empty())
    throw Error(
        ErrorKind::kIncompatible, where,
        fmt::format("'{}' leaves none of the {} layers and {} vectors of {}", text,
                    input.adapter->layers.size(), input.adapter->vector_deltas.size(), name_of(input)),
        fmt::format("choose other blocks, or --{} all", option_of(input)));
  return chosen;
}

MergeResult run_block(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                      MergeContext& context) {
  if (context.names == nullptr)
    throw Error(ErrorKind::kInternal, "merge: block", "the names of the architecture's layers are missing");
  std::vector<Adapter> chosen;
  chosen.reserve(inputs.size());  // the inputs below point into it
  std::vector<MergeInput> reduced = inputs;
  nlohmann::json left_out = nlohmann::json::array();
  for (MergeInput& input : reduced) {
    chosen.push_back(chosen_layers(input, options[option_of(input)], *context.names));
    const size_t layers = input.adapter->layers.size() - chosen.back().layers.size();
    const size_t vectors = input.adapter->vector_deltas.size() - chosen.back().vector_deltas.size();
    left_out.push_back({{"input", name_of(input)}, {"layers", layers}, {"vectors", vectors}});
    input.adapter = &chosen.back();
  }
  MergeResult result = merge_layerwise(
      reduced, context, [](const std::string&, const LayerParts& parts) { return concatenate_layer(parts); });
  result.report["left_out"] = left_out;
  return result;
}

}  // namespace

MergeMethod block_method() {
  return {
      .name = "block",
      .summary = "a weight for each block and input: kohya's lists, names, or B-LoRA (arXiv 2403.14572)",
      .needs_base = false,
      .options = {{"subject-blocks", "12/17/20/26 numbers, NAME=WEIGHT,…, all, content or style", "content"},
                  {"style-blocks", "the same, of the style", "style"},
                  {"adapter-blocks", "the same, of every --adapter", "all"}},
      .run = run_block};
}

}  // namespace ziplora
