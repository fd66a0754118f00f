// The merge method `ties`: TIES-Merging, arXiv 2306.01708. Only the largest values of each input stay (trim);
// each place elects a sign; the result is the mean over the inputs that have this sign:
//
//     T_k = keep_largest(ΔW_k, density)
//     γ   = sign(Σ_k T_k)
//     ΔW  = Σ_{k: sign T_k = γ} w_k T_k / |{k: sign T_k = γ}|
//
// As in PEFT, the strengths w_k have no vote. It is a mean, not a sum, so two inputs that agree do not count
// twice.
#include "ziplora/merge/tensor_combination.h"

namespace ziplora {

MergeMethod ties_method() {
  return {
      .name = "ties",
      .summary = "largest values, elected signs, mean of those that agree (TIES, arXiv 2306.01708)",
      .needs_base = false,
      .options = combination_table(Mix::kElectedMean),
      .run = [](const std::vector<MergeInput>& inputs, const nlohmann::json& options, MergeContext& context) {
        return combine_adapters(inputs, options, context, {largest_of(options), Mix::kElectedMean});
      }};
}

}  // namespace ziplora
