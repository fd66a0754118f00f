// The merge method `np`: NP-LoRA, arXiv 2511.11051 (equation 11, hard; 21 of v1 and 12 of v3, soft). Removes
// from the subject, wholly or in part, what lies in the style's principal input directions before the two are
// added:
//
//     ΔW = ΔW_s + ΔW_c (I − μ/(1+μ) V Vᵀ)        V: right singular vectors of ΔW_s, as many as its rank
//
// μ = 0 is the direct merge, μ → ∞ (--hard) the null-space projection; the paper's μ is 0.5. v1 writes the
// soft form with the projector on the left, where its shape does not fit V; v3 and the hard form have it on
// the right. The paper finds the basis by QR of down_sᵀ. Here it comes from an SVD, which gives the same
// subspace, orders it and detects dead ranks. Columns act on `down` alone, so the result is an exact,
// ordinary LoRA of rank Σ r_k.
#include "ziplora/merge/subspace_projection.h"

namespace ziplora {
namespace {

MergeResult run_np(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                   MergeContext& context) {
  const double mu = options["mu"];
  const double share = options["hard"].get<bool>() ? 1.0 : mu / (1 + mu);
  return merge_with_projection(inputs, projection_of(options), context, Side::kInput, share);
}

}  // namespace

MergeMethod np_method() {
  std::vector<MergeOption> options = {
      {.name = "mu",
       .help = "Remove the share mu/(1+mu) of the subject along the style's directions; 0: the direct merge",
       .default_value = 0.5,
       .minimum = 0},
      {.name = "hard", .help = "Remove all of it, the limit of a large mu", .default_value = false}};
  for (MergeOption& option : projection_table()) options.push_back(std::move(option));
  return {.name = "np",
          .summary = "the subject leaves the style's input directions (NP-LoRA, arXiv 2511.11051)",
          .needs_base = false,
          .options = std::move(options),
          .run = run_np};
}

}  // namespace ziplora
