// The merge method `core-space`: Core Space, arXiv 2509.17786 (github.com/apanariello4/core-space-merging).
// Each ΔW is written in bases that all inputs share; the small matrices are merged there, by TIES or as
// --inside says:
//
//     U, V: singular vectors of [up_1 … up_K] and of [down_1; …; down_K],     C_k = Uᵀ ΔW_k V
//     ΔW = U · merge(C_1, …, C_K) · Vᵀ
//
// Nothing is lost on the way (--inside sum is `direct`), and the result is an ordinary LoRA of at most rank
// Σ r_k. One adapter alone is trimmed, as by `ties`. The authors' code keeps one value more than its topK
// says, and knows one weight for all inputs; topK's default, a density of 0.1, leaves little of the small
// matrices of low ranks. As there, U and V are those of the factors in the files (scale in `up`): TIES
// depends on the basis, and so on how a file splits ΔW between its factors.
#include <ATen/TensorOperators.h>

#include "ziplora/merge/joint_core.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/merge_inside.h"

namespace ziplora {
namespace {

MergeResult run_core_space(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                           MergeContext& context) {
  const MergeInside merge(options, context.seed);
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        const JointCore joint = joint_core(target, parts);
        const at::Tensor merged = merge(target, parts, joint.cores);
        const LiveSvd svd = live_svd(merged, sum_of_cores(joint, parts).terms);
        const at::Tensor root = svd.s.sqrt();
        return layer_of(target, parts, joint.left.matmul(svd.u) * root,
                        root.unsqueeze(1) * svd.vt.matmul(joint.right.t()));
      });
  result.mixes_ranks = true;
  return result;
}

}  // namespace

MergeMethod core_space_method() {
  return {.name = "core-space",
          .summary = "TIES on small matrices in shared bases of the factors (Core Space, arXiv 2509.17786)",
          .needs_base = false,
          .options = merge_inside_table(),
          .run = run_core_space};
}

}  // namespace ziplora
