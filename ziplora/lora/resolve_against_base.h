#pragma once
/// Turns layers whose ΔW depends on the base's weight into ordinary factors: exact ones of full rank, which
/// compress.h can make smaller.
///
///     const BaseWeights weights = [&](const std::string& target) { return slots.at(target).weight; };
///     resolve_against_base(survey.base_bound, names, weights, adapter.layers);
///
/// The result is right on that base only. A DoRA that is used on another base than the one it was trained on
/// is resolved against the base in use, as every program does.

#include <functional>
#include <map>
#include <string>

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/delta_kind.h"

namespace ziplora {

/// Gives the base's weight of a canonical target: [out, in] or [out, in, kh, kw], of any dtype. Empty: there
/// is no base.
using BaseWeights = std::function<at::Tensor(const std::string& canonical)>;

/// @param layers  gets a float32 layer for each bound one (layer_of_delta)
/// @throws Error(kIncompatible) naming the target if the base's weight has another shape
void resolve_against_base(const std::map<std::string, BaseBoundLayer>& bound, const TargetNames& names,
                          const BaseWeights& weights, std::map<std::string, LoraLayer>& layers);

/// "560 layers are DoRA": for messages.
std::string describe(const std::map<std::string, BaseBoundLayer>& bound);

}  // namespace ziplora
