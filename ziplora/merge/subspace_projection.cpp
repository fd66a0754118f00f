#include "ziplora/merge/subspace_projection.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/delta_norm.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

struct Energy {
  double before = 0, after = 0;  ///< Σ_layers ‖ΔW‖² of one input
};

void require_both_roles(const std::vector<MergeInput>& inputs, const std::string& protect) {
  size_t count = 0;
  for (const MergeInput& input : inputs) count += input.role == protect;
  if (inputs.size() == 1) return;  // nothing to keep apart
  if (count == 0)
    throw Error(ErrorKind::kUsage, "merge: --protect",
                fmt::format("none of the {} inputs is the {}, whose directions the others must leave alone",
                            inputs.size(), protect),
                fmt::format("name it with --{} FILE", protect));
  if (count == inputs.size())
    throw Error(ErrorKind::kUsage, "merge: --protect",
                fmt::format("all {} inputs are of the protected role {}", count, protect),
                "give the other one as --subject, --style or --adapter");
}

}  // namespace

std::vector<MergeOption> projection_options() {
  return {{"protect", "whose directions the others must leave alone", "style", {"style", "subject"}},
          {"directions", "how many principal directions of a layer are protected; 0: all", 0, {}, 0}};
}

MergeResult merge_with_projection(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                                  MergeContext& context, Side side, double share) {
  const std::string protect = options["protect"];
  const int64_t most = options["directions"];
  require_both_roles(inputs, protect);
  std::vector<Energy> energies(inputs.size());

  MergeResult result = merge_layerwise(inputs, context, [&](const std::string&, const LayerParts& parts) {
    LayerParts protected_parts;
    for (const LayerPart& part : parts)
      if (inputs[part.input].role == protect) protected_parts.push_back(part);
    if (protected_parts.empty() || protected_parts.size() == parts.size()) {
      for (const LayerPart& part : parts) {
        const double norm = squared_norm(*part.layer);
        energies[part.input].before += norm;
        energies[part.input].after += norm;
      }
      return concatenate_layer(parts);
    }
    const at::Tensor directions = principal_directions(concatenate_layer(protected_parts), side, most);
    std::vector<LoraLayer> projected;
    projected.reserve(parts.size());  // parts point into it
    LayerParts apart;
    for (const LayerPart& part : parts) {
      projected.push_back(inputs[part.input].role == protect
                              ? *part.layer
                              : without_directions(*part.layer, side, directions, share));
      energies[part.input].before += squared_norm(*part.layer);
      energies[part.input].after += squared_norm(projected.back());
      apart.push_back({part.input, &projected.back(), part.weight});
    }
    return concatenate_layer(apart);
  });

  for (size_t k = 0; k < inputs.size(); ++k)
    if (inputs[k].role != protect)
      result.report["removed"].push_back(
          {{"input", name_of(inputs[k])},
           {"share", energies[k].before > 0 ? 1 - energies[k].after / energies[k].before : 0.0}});
  return result;
}

}  // namespace ziplora
