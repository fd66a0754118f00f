#pragma once
/// Differences of vectors: of biases, and of the weights of norms (`.diff_b`, `.w_norm`, `.b_norm`, `.diff`
/// of a norm). They have no factors and no alpha, are added as they are, and come with a layer of any kind.
///
///     take_vector_deltas(parts, target, adapter.vector_deltas);   // what is left in `parts` makes ΔW
///
/// Sources: KohakuBlueleaf/LyCORIS lycoris/modules/{full,norms}.py, Comfy-Org/ComfyUI comfy/lora.py.

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/delta_kind.h"

namespace ziplora {

/// The suffixes of keys that hold such a difference.
const std::vector<PartSuffix>& vector_suffixes();

/// Moves the target's vectors from the parts to `deltas`, by canonical parameter.
/// @throws Error(kIncompatible) if the layer has no such vector, or one of another length; Error(kInput) if
///         two parts give the same vector
void take_vector_deltas(DeltaParts& parts, const TargetName& target, NamedTensors& deltas);

/// As kohya's files spell it: "….conv1.bias" → its target and ".diff_b"; "….norm1.weight" → its target and
/// ".w_norm".
std::pair<const TargetName*, const char*> vector_suffix_of(const std::string& parameter,
                                                           const TargetNames& names);

/// Adds `strength` times each delta to the sum.
void add_vector_deltas(NamedTensors& sum, const NamedTensors& deltas, double strength);

}  // namespace ziplora
