// The merge method `iso-c`: Iso-C, arXiv 2502.04959 (github.com/danielm1405/iso-merging). The sum, with
// every direction as strong as the mean:
//
//     Σ_k w_k ΔW_k = U Σ Vᵀ,     ΔW = mean(Σ) · U Vᵀ
//
// The SVD is that of the sum's core (joint_core.h), which is exact, as is the result: an ordinary LoRA of
// the rank of the sum, at most Σ r_k. The authors' sums have full rank, and their mean runs over min(out,
// in) singular values. With fewer ranks that would give weight to singular vectors of 0, which are
// arbitrary; here the mean runs over the rank of the sum, as in Core Space (arXiv 2509.17786). A layer that
// one input alone has stays as it is: there is nothing to balance, and flattened it would no longer be that
// adapter.
#include <ATen/TensorOperators.h>

#include <cmath>

#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/joint_core.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

LoraLayer flattened_sum(const std::string& target, const LayerParts& parts) {
  if (parts.size() == 1) return concatenate_layer(parts);
  const JointCore joint = joint_core(target, parts);
  const CoreSum total = sum_of_cores(joint, parts);
  const LiveSvd svd = live_svd(total.sum, total.terms);
  const double mean = svd.s.numel() > 0 ? svd.s.mean().item<double>() : 0;
  const double root = std::sqrt(mean);
  return layer_of(target, parts, joint.left.matmul(svd.u) * root, svd.vt.matmul(joint.right.t()) * root);
}

MergeResult run_iso_c(const std::vector<MergeInput>& inputs, const nlohmann::json&, MergeContext& context) {
  MergeResult result = merge_layerwise(inputs, context, flattened_sum);
  result.mixes_ranks = true;
  return result;
}

}  // namespace

MergeMethod iso_c_method() {
  return {.name = "iso-c",
          .summary = "the sum, with every direction as strong as the mean (Iso-C, arXiv 2502.04959)",
          .needs_base = false,
          .options = {},
          .run = run_iso_c};
}

}  // namespace ziplora
