// The merge method `magnitude-prune`: the sum of each input's largest values,
//
//     ΔW = Σ_k w_k keep_largest(ΔW_k, density)
//
// ZipLoRA (arXiv 2311.13600, section 3.2) finds that ΔW without its 80–90 % smallest values draws nearly the
// same images; pruned inputs interfere less with each other. PEFT's `magnitude_prune`.
#include "ziplora/merge/tensor_combination.h"

namespace ziplora {

MergeMethod magnitude_prune_method() {
  return {
      .name = "magnitude-prune",
      .summary = "the sum of each input's largest values",
      .needs_base = false,
      .options = combination_table(Mix::kSum),
      .run = [](const std::vector<MergeInput>& inputs, const nlohmann::json& options, MergeContext& context) {
        return combine_adapters(inputs, options, context, {largest_of(options), Mix::kSum});
      }};
}

}  // namespace ziplora
