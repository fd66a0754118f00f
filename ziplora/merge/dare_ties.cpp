// The merge method `dare-ties`: TIES' election and mean (arXiv 2306.01708) over values that DARE (arXiv
// 2311.03099) has dropped at random instead of by magnitude:
//
//     T_k = ΔW_k ⊙ B_k / density,  B_k ~ Bernoulli(density),  then as `ties`
#include "ziplora/merge/tensor_combination.h"

namespace ziplora {

MergeMethod dare_ties_method() {
  return {
      .name = "dare-ties",
      .summary = "random values, rescaled, then TIES' elected signs (DARE, arXiv 2311.03099)",
      .needs_base = false,
      .options = combination_options(Mix::kElectedMean),
      .run = [](const std::vector<MergeInput>& inputs, const nlohmann::json& options, MergeContext& context) {
        return combine_adapters(inputs, options, context, {random_of(options), Mix::kElectedMean});
      }};
}

}  // namespace ziplora
