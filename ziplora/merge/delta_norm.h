#pragma once
/// The size of a layer's effect, from its factors alone: ‖up @ down‖² = tr((upᵀ up)(down downᵀ)).

#include "ziplora/lora/adapter.h"

namespace ziplora {

/// ‖ΔW‖²_F with the scale, in float64.
double squared_norm(const LoraLayer& layer);

}  // namespace ziplora
