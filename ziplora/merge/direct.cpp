// The merge method `direct`: the weighted sum of the deltas, ΔW = Σ_k w_k ΔW_k, exactly: factors side by
// side, rank Σ r_k. What loading several LoRAs at once does in every tool, as one file.
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {
namespace {

MergeResult run_direct(const std::vector<MergeInput>& inputs, const nlohmann::json&, MergeContext&) {
  std::vector<WeightedAdapter> parts;
  for (const MergeInput& input : inputs) parts.push_back({input.adapter, input.weight});
  return {.adapter = concatenate(parts), .report = nlohmann::json::object(), .coefficients = {}};
}

}  // namespace

MergeMethod direct_method() {
  return {.name = "direct",
          .summary = "the weighted sum, exact by concatenation of ranks",
          .needs_base = false,
          .options = {},
          .run = run_direct};
}

}  // namespace ziplora
