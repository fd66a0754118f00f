#include "ziplora/merge/subspace_projection.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/delta_norm.h"
#include "ziplora/merge/layerwise.h"

namespace ziplora {
namespace {

/// Σ_layers ‖ΔW‖² of one input.
struct Energy {
  double before = 0, after = 0;
};

void require_both_roles(const std::vector<MergeInput>& inputs, Role protect) {
  size_t count = 0;
  for (const MergeInput& input : inputs) count += input.role == protect;
  if (inputs.size() == 1) return;  // nothing to keep apart
  if (count == 0)
    throw Error(ErrorKind::kUsage, "merge: --protect",
                fmt::format("none of the {} inputs is the {}, whose directions are to be protected",
                            inputs.size(), name_of(protect)),
                fmt::format("give it with --{} FILE", name_of(protect)));
  if (count == inputs.size())
    throw Error(ErrorKind::kUsage, "merge: --protect",
                fmt::format("all {} inputs have the protected role {}", count, name_of(protect)),
                fmt::format("give the other one as --adapter or --{}",
                            name_of(protect == Role::kStyle ? Role::kSubject : Role::kStyle)));
}

}  // namespace

std::vector<MergeOption> projection_table() {
  const ProjectionOptions defaults;
  return {{.name = "protect",
           .help = "Protect the directions of this role; the others leave them",
           .default_value = name_of(defaults.protect),
           .choices = {name_of(Role::kStyle), name_of(Role::kSubject)},
           .value_name = "ROLE"},
          {.name = "directions",
           .help = "Protect this many principal directions of each layer; 0: all",
           .default_value = defaults.directions.value_or(0),
           .minimum = 0}};
}

ProjectionOptions projection_of(const nlohmann::json& options) {
  const int64_t directions = options["directions"];
  return {.protect = parse_role(options["protect"], "merge: --protect"),
          .directions = directions > 0 ? std::optional(directions) : std::nullopt};
}

MergeResult merge_with_projection(const std::vector<MergeInput>& inputs, const ProjectionOptions& options,
                                  MergeContext& context, Side side, double share) {
  require_both_roles(inputs, options.protect);
  const auto is_protected = [&](const LayerPart& part) { return inputs[part.input].role == options.protect; };
  std::vector<Energy> energies(inputs.size());

  MergeResult result = merge_layerwise(inputs, context, [&](const std::string&, const LayerParts& parts) {
    LayerParts protected_parts;
    for (const LayerPart& part : parts)
      if (is_protected(part)) protected_parts.push_back(part);
    if (protected_parts.empty() || protected_parts.size() == parts.size()) {
      for (const LayerPart& part : parts) {
        const double norm = squared_norm(*part.layer);
        energies[part.input].before += norm;
        energies[part.input].after += norm;
      }
      return concatenate_layer(parts);
    }
    const at::Tensor directions =
        principal_directions(concatenate_layer(protected_parts), side, options.directions);
    std::vector<LoraLayer> projected;
    projected.reserve(parts.size());  // the parts below point into it
    LayerParts apart;
    for (const LayerPart& part : parts) {
      projected.push_back(is_protected(part) ? *part.layer
                                             : without_directions(*part.layer, side, directions, share));
      energies[part.input].before += squared_norm(*part.layer);
      energies[part.input].after += squared_norm(projected.back());
      apart.push_back({part.input, &projected.back(), part.strength});
    }
    return concatenate_layer(apart);
  });

  for (size_t k = 0; k < inputs.size(); ++k) {
    const Energy& energy = energies[k];
    if (inputs[k].role == options.protect) continue;
    result.report.removed.push_back(
        {describe(inputs[k]), energy.before > 0 ? 1 - energy.after / energy.before : 0.0});
  }
  return result;
}

}  // namespace ziplora
