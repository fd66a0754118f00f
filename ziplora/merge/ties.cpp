// The merge method `ties`: TIES-Merging, arXiv 2306.01708. Of each input only the largest values stay (trim);
// each place elects a sign; the mean over the inputs that have it is the result:
//
//     T_k = keep_largest(ΔW_k, density),  γ = sign(Σ_k T_k),  ΔW = Σ_{k: sign T_k = γ} w_k T_k / |{k: sign
//     T_k = γ}|
//
// As in PEFT the election is of unweighted values. A mean, not a sum: two inputs that agree give neither
// twice.
#include "ziplora/merge/tensor_combination.h"

namespace ziplora {

MergeMethod ties_method() {
  return {
      .name = "ties",
      .summary = "largest values, elected signs, mean of those that agree (TIES, arXiv 2306.01708)",
      .needs_base = false,
      .options = combination_options(Mix::kElectedMean),
      .run = [](const std::vector<MergeInput>& inputs, const nlohmann::json& options, MergeContext& context) {
        return combine_adapters(inputs, options, context, {largest_of(options), Mix::kElectedMean});
      }};
}

}  // namespace ziplora
