// A whole difference of weights (`.diff`, LyCORIS' full): ΔW itself, without an alpha. One of its factors is
// an identity.
//
// Sources: KohakuBlueleaf/LyCORIS lycoris/modules/full.py, comfyanonymous/ComfyUI comfy/lora.py.
#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

std::vector<std::string> missing(const DeltaParts&) { return {}; }

LoraLayer to_factors(const DeltaParts& parts, std::optional<double>, const TargetName& target) {
  return layer_of_delta(parts.at("diff").to(at::kDouble).flatten(1), 1.0, target);
}

}  // namespace

const DeltaKind kFullKind{"full difference", {{".diff", "diff"}}, missing, to_factors};

}  // namespace ziplora
