// The merge method `block`: the exact sum with a weight b_k for each block and input, beside the strengths
// w_k,
//
//     ΔW_layer = Σ_k w_k b_k(block of the layer) ΔW_k
//
// The default is B-LoRA's choice (arXiv 2403.14572): of the subject only the UNet block that carries content
// (up_blocks.0.attentions.0), of the style only the one that carries style (up_blocks.0.attentions.1). Other
// choices are kohya's lists of block weights and names (block_weights.h). What has weight 0 is left out of
// the file.
#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/merge/block_weights.h"
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

std::string option_of(const MergeInput& input) { return fmt::format("{}-blocks", name_of(input.role)); }

/// The input's layers and vectors in the blocks asked for, times the block's weight.
Adapter chosen_layers(const MergeInput& input, const std::string& text, const TargetNames& names) {
  const std::string where = "merge: --" + option_of(input);
  const BlockWeights weights = BlockWeights::parse(text, where);
  weights.require_paths_in(names, where);
  Adapter chosen = *input.adapter;
  chosen.layers.clear();
  chosen.vector_deltas.clear();
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
                    input.adapter->layers.size(), input.adapter->vector_deltas.size(), describe(input)),
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
  std::vector<LeftOut> left_out;
  for (MergeInput& input : reduced) {
    chosen.push_back(chosen_layers(input, options[option_of(input)], *context.names));
    const size_t layers = input.adapter->layers.size() - chosen.back().layers.size();
    const size_t vectors = input.adapter->vector_deltas.size() - chosen.back().vector_deltas.size();
    left_out.push_back({describe(input), layers, vectors});
    input.adapter = &chosen.back();
  }
  MergeResult result = merge_layerwise(
      reduced, context, [](const std::string&, const LayerParts& parts) { return concatenate_layer(parts); });
  result.report.left_out = std::move(left_out);
  return result;
}

}  // namespace

MergeMethod block_method() {
  return {
      .name = "block",
      .summary = "the sum with a weight for each block of each input; by default B-LoRA (arXiv 2403.14572)",
      .needs_base = false,
      .options =
          {{.name = "subject-blocks",
            .help =
                "Weigh the subject's blocks: 12, 17, 20 or 26 numbers, NAME=WEIGHT,…, all, content or style",
            .default_value = "content",
            .value_name = "BLOCKS"},
           {.name = "style-blocks",
            .help = "Weigh the style's blocks in the same way",
            .default_value = "style",
            .value_name = "BLOCKS"},
           {.name = "adapter-blocks",
            .help = "Weigh the blocks of every --adapter in the same way",
            .default_value = "all",
            .value_name = "BLOCKS"}},
      .run = run_block};
}

}  // namespace ziplora
