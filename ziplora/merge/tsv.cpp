// The merge method `tsv`: TSV-Merge, arXiv 2412.00081 (github.com/AntoAndGar/task_singular_vectors). The
// inputs' singular vectors are made orthogonal to each other, on both sides; singular values stay:
//
//     ΔW_k = U_k Σ_k V_kᵀ, its first ⌊min(out, in)/K⌋ directions
//     ΔW   = polar [U_1 … U_K] · diag(w_1 Σ_1, …, w_K Σ_K) · polar [V_1 … V_K]ᵀ,     polar X = X (XᵀX)^(−1/2)
//
// All of it happens in the inputs' cores (joint_core.h), which is exact, as is the result: an ordinary LoRA
// of rank Σ_k min(r_k, ⌊min(out, in)/K⌋). A LoRA mostly has fewer ranks than that, so no direction is
// dropped. K counts the inputs that have the layer: one alone stays as it is. Strengths scale singular
// values only; even an input of strength 0 takes its directions. The authors' matrices have full rank. With
// fewer ranks their code fills up with singular vectors of 0, which are arbitrary: noise of 1e-13 in ΔW
// changes its result by half and more. Here only directions with a value count. Directions that several
// inputs have in common wholly, whose polar factor is as arbitrary, are shared, so an adapter merged with
// itself is itself and not its double.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <limits>

#include "ziplora/merge/joint_core.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

/// The nearest matrix with orthonormal columns; where columns depend on each other, they share directions.
at::Tensor polar(const at::Tensor& columns) {
  const LiveSvd svd = live_svd(columns);
  return svd.u.matmul(svd.vt);
}

/// @param most  directions of each part
LoraLayer merged_without_interference(const std::string& target, const LayerParts& parts, int64_t most) {
  const JointCore joint = joint_core(target, parts);
  std::vector<at::Tensor> u, s, v;
  for (size_t k = 0; k < parts.size(); ++k) {
    const LiveSvd svd = live_svd(joint.cores[k]);
    const int64_t kept = std::min(svd.s.size(0), most);
    u.push_back(svd.u.narrow(1, 0, kept));
    s.push_back(svd.s.narrow(0, 0, kept) * parts[k].strength);
    v.push_back(svd.vt.narrow(0, 0, kept).t());
  }
  const at::Tensor values = at::cat(s), root = values.abs().sqrt();
  if (values.numel() == 0) return layer_of(target, parts, at::cat(u, 1), at::cat(v, 1).t());
  return layer_of(target, parts, joint.left.matmul(polar(at::cat(u, 1))) * root,
                  (joint.right.matmul(polar(at::cat(v, 1))) * (root * values.sign())).t());
}

MergeResult run_tsv(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                    MergeContext& context) {
  const int64_t asked = options["singular-vectors"];
  const int64_t limit = asked > 0 ? asked : std::numeric_limits<int64_t>::max();
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        const LoraLayer& layer = *parts.front().layer;
        const int64_t side = std::min(layer.up.size(0), layer.down[0].numel());
        const int64_t fair = std::max<int64_t>(side / static_cast<int64_t>(parts.size()), 1);
        return merged_without_interference(target, parts, std::min(fair, limit));
      });
  result.mixes_ranks = true;
  return result;
}

}  // namespace

MergeMethod tsv_method() {
  return {
      .name = "tsv",
      .summary = "the inputs' singular vectors, made orthogonal to each other (TSV-Merge, arXiv 2412.00081)",
      .needs_base = false,
      .options = {{.name = "singular-vectors",
                   .help = "Keep this many of each input in each layer, the largest; 0: all that fit",
                   .default_value = 0,
                   .minimum = 0}},
      .run = run_tsv};
}

}  // namespace ziplora
