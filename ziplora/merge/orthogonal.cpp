// The merge method `orthogonal`: makes what the subject writes orthogonal to what the style writes,
//
//     ΔW = ΔW_s + (I − U Uᵀ) ΔW_c        U: basis of the column space of ΔW_s
//
// so that no output direction has two masters: ⟨ΔW_s x, (I − UUᵀ) ΔW_c x'⟩ = 0 for all inputs. `np` does the
// same on the input side. Rows act on `up` alone, so the result is an exact, ordinary LoRA of rank Σ r_k.
#include "ziplora/merge/subspace_projection.h"

namespace ziplora {

MergeMethod orthogonal_method() {
  return {
      .name = "orthogonal",
      .summary = "the subject leaves the output directions that the style writes to",
      .needs_base = false,
      .options = projection_table(),
      .run = [](const std::vector<MergeInput>& inputs, const nlohmann::json& options, MergeContext& context) {
        return merge_with_projection(inputs, projection_of(options), context, Side::kOutput, 1.0);
      }};
}

}  // namespace ziplora
