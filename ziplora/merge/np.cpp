// The merge method `np`: NP-LoRA, arXiv 2511.11051 (equation 11, hard; 21 of v1, 12 of v3, soft). The subject
// is taken out of the style's principal input directions, all of it or by a share, before the two are added:
//
//     ΔW = ΔW_s + ΔW_c (I − μ/(1+μ) V Vᵀ)        V: right singular vectors of ΔW_s, as many as its rank
//
// μ = 0 is the direct merge, μ → ∞ (--hard) the null-space projection; the paper's μ is 0.5. v1 writes the
// soft form with the projector on the left, where it would not fit V; v3 and the hard form have it on the
// right. The paper finds the basis by QR of down_sᵀ; here by SVD, which is the same subspace, orders it, and
// sees dead ranks. Columns act on down alone: an exact, ordinary LoRA of rank Σ r_k.
#include "ziplora/merge/subspace_projection.h"

namespace ziplora {
namespace {

MergeResult run_np(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                   MergeContext& context) {
  const double mu = options["mu"];
  const double share = options["hard"].get<bool>() ? 1.0 : mu / (1 + mu);
  return merge_with_projection(inputs, options, context, Side::kInput, share);
}

}  // namespace

MergeMethod np_method() {
  std::vector<MergeOption> options = {
      {"mu", "how strongly the subject leaves the style's directions; 0 is the direct merge", 0.5, {}, 0},
      {"hard", "leaves them wholly, as mu without end", false}};
  for (MergeOption& option : projection_options()) options.push_back(std::move(option));
  return {.name = "np",
          .summary = "the subject leaves the style's input directions (NP-LoRA, arXiv 2511.11051)",
          .needs_base = false,
          .options = std::move(options),
          .run = run_np};
}

}  // namespace ziplora
