// The merge method `dare-linear`: DARE, arXiv 2311.03099. Drops each value with probability 1 − density and
// rescales the rest, so the mean over draws is the exact sum:
//
//     ΔW = Σ_k w_k ΔW_k ⊙ B_k / density
//     B_k ~ Bernoulli(density), drawn from --seed, the input's place and the target
#include "ziplora/merge/tensor_combination.h"

namespace ziplora {

MergeMethod dare_linear_method() {
  return {
      .name = "dare-linear",
      .summary = "the sum of random values of each input, rescaled (DARE, arXiv 2311.03099)",
      .needs_base = false,
      .options = combination_table(Mix::kSum),
      .run = [](const std::vector<MergeInput>& inputs, const nlohmann::json& options, MergeContext& context) {
        return combine_adapters(inputs, options, context, {random_of(options), Mix::kSum});
      }};
}

}  // namespace ziplora
