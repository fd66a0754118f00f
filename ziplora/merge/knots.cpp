// The merge method `knots`: KnOTS, arXiv 2410.19735 (github.com/gstoica27/KnOTS). An SVD of all inputs' ΔW
// side by side gives them one basis of outputs, in which their values can be compared; TIES merges them
// there:
//
//     [ΔW_1 … ΔW_K] = U Σ [V_1ᵀ … V_Kᵀ],     ΔW = U · TIES(Σ V_1ᵀ, …, Σ V_Kᵀ)
//
// or, with --inside dare-ties, `dare-ties` does. (With --inside sum it is `direct`.) The SVD is that of the
// inputs' cores side by side (joint_core.h), which is exact, as is the result: an ordinary LoRA of the rank
// of [ΔW_1 … ΔW_K], at most min(out, Σ r_k). One adapter alone is trimmed, as by `ties`. The authors' code
// trims over all layers at once, here it is layer by layer; it keeps one value more than its topK says, and
// knows one weight for all inputs. Its densities for TIES are 0.2 (vision) and 1 (language), for DARE 0.9
// and 0.2.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include "ziplora/merge/joint_core.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/merge_inside.h"

namespace ziplora {
namespace {

LoraLayer merged_in_shared_basis(const std::string& target, const LayerParts& parts,
                                 const MergeInside& merge) {
  const JointCore joint = joint_core(target, parts);
  const LiveSvd svd = live_svd(at::cat(joint.cores, 1));  // of [m, K·n]
  const int64_t width = joint.right.size(1);
  std::vector<at::Tensor> aligned;  // Σ V_kᵀ: [rank, in·kh·kw]
  for (size_t k = 0; k < parts.size(); ++k) {
    const at::Tensor v = svd.vt.narrow(1, static_cast<int64_t>(k) * width, width);
    aligned.push_back((svd.s.unsqueeze(1) * v).matmul(joint.right.t()));
  }
  const at::Tensor root = svd.s.sqrt();
  return layer_of(target, parts, joint.left.matmul(svd.u) * root,
                  merge(target, parts, aligned) / root.unsqueeze(1));
}

MergeResult run_knots(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                      MergeContext& context) {
  const MergeInside merge(options, context.seed);
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        return merged_in_shared_basis(target, parts, merge);
      });
  result.mixes_ranks = true;
  return result;
}

}  // namespace

MergeMethod knots_method() {
  return {.name = "knots",
          .summary = "TIES in a basis that an SVD of all deltas side by side gives (KnOTS, arXiv 2410.19735)",
          .needs_base = false,
          .options = merge_inside_table(),
          .run = run_knots};
}

}  // namespace ziplora
