// The merge method `direct`: the exact sum of the deltas, ΔW = Σ_k w_k ΔW_k, with the inputs' strengths w_k:
// factors side by side, rank Σ r_k. This is what loading several LoRAs at once does in every tool, as one
// file: PEFT's `cat`, and kohya's --concat with ratio √|w|, because kohya multiplies both up and down by the
// ratio, so ΔW by its square.
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

MergeResult run_direct(const std::vector<MergeInput>& inputs, const nlohmann::json&, MergeContext& context) {
  return merge_layerwise(
      inputs, context, [](const std::string&, const LayerParts& parts) { return concatenate_layer(parts); });
}

}  // namespace

MergeMethod direct_method() {
  return {.name = "direct",
          .summary = "the exact sum, by placing the factors side by side",
          .needs_base = false,
          .options = {},
          .run = run_direct,
          .only_copies = true};
}

}  // namespace ziplora
