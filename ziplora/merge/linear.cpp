// The merge method `linear`: the weighted sum of the *factors*. As PEFT's `linear`, and as kohya's merge_lora
// without --concat and with ratio √|w|, because kohya multiplies both up and down by the ratio, so ΔW by its
// square. With f_k = w_k · lora_alpha_k / rank, where w_k is the strength of input k:
//
//     up   = Σ_k √|f_k| up_k
//     down = Σ_k sign(f_k) √|f_k| down_k
//
// So up @ down = Σ_k f_k up_k @ down_k + Σ_{k≠l} (cross terms up_k @ down_l). The rank stays that of one
// input, but factors of two trainings share no basis, and the cross terms are as large as the sum itself. The
// exact sum is `direct`; `svd` is its best approximation at any rank. This method exists because people have
// files made this way; the report tells how large the cross terms are.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/delta_norm.h"
#include "ziplora/merge/factor_sums.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

MergeResult run_linear(const std::vector<MergeInput>& inputs, const nlohmann::json&, MergeContext& context) {
  double total = 0, cross = 0;
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        require_equal_ranks(target, parts, inputs, "--method direct and --method svd take any ranks");
        const FactorShares shares = factor_shares(parts);
        LoraLayer merged{at::zeros_like(parts.front().layer->down, at::kFloat),
                         at::zeros_like(parts.front().layer->up, at::kFloat), std::nullopt};
        for (size_t k = 0; k < parts.size(); ++k) {
          merged.down += parts[k].layer->down.to(at::kFloat) * shares.down[k];
          merged.up += parts[k].layer->up.to(at::kFloat) * shares.up[k];
        }
        const LoraLayer sum = concatenate_layer(parts);
        total += squared_norm(sum);
        cross += squared_norm(
            {at::cat({merged.down, sum.down}, 0), at::cat({merged.up, -sum.up}, 1), std::nullopt});
        return merged;
      });
  result.mixes_ranks = inputs.size() > 1;
  result.report.cross_terms = total > 0 ? std::sqrt(std::max(cross, 0.0) / total) : 0.0;
  return result;
}

}  // namespace

MergeMethod linear_method() {
  return {.name = "linear",
          .summary = "the sum of the factors, with cross terms (PEFT's linear); ranks must be equal",
          .needs_base = false,
          .options = {},
          .run = run_linear};
}

}  // namespace ziplora
