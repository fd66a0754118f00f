// The merge method `dare-ties`: TIES' election and mean (arXiv 2306.01708), but values are dropped at random,
// as in DARE (arXiv 2311.03099), instead of by magnitude:
//
//     T_k = ΔW_k ⊙ B_k / density,   B_k ~ Bernoulli(density),   then as `ties`
#include "ziplora/merge/tensor_combination.h"

namespace ziplora {

MergeMethod dare_ties_method() {
  return {
      .name = "dare-ties",
      .summary = "random values, rescaled, then TIES' elected signs (DARE, arXiv 2311.03099)",
      .needs_base = false,
      .options = combination_table(Mix::kElectedMean),
      .run = [](const std::vector<MergeInput>& inputs, const nlohmann::json& options, MergeContext& context) {
        return combine_adapters(inputs, options, context, {random_of(options), Mix::kElectedMean});
      }};
}

}  // namespace ziplora
