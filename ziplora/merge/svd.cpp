// The merge method `svd`: the exact sum at a chosen rank. Factors side by side as in `direct`, then the best
// approximation of each layer (Eckart–Young) by QR of the factors and an SVD of a small matrix; ΔW is never
// built. Gives the same numbers as PEFT's `svd` and kohya's svd_merge_lora.py, which decompose the dense ΔW,
// but without kohya's clamp at the 0.99 quantile, which cuts off the largest hundredth of the factors'
// values.
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/factor_size.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

MergeResult run_svd(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                    MergeContext& context) {
  FactorSize size(factor_size_of(options));
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        return size.take(target, compress_layer(concatenate_layer(parts), size.rule(parts)));
      });
  result.mixes_ranks = true;
  result.report.svd_error = size.error();
  return result;
}

}  // namespace

MergeMethod svd_method() {
  return {.name = "svd",
          .summary = "the sum at a chosen rank or share of energy, best by SVD",
          .needs_base = false,
          .options = factor_size_table(),
          .run = run_svd};
}

}  // namespace ziplora
