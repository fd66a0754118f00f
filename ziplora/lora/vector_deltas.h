#pragma once
/// Differences of vectors: biases, and the weights of norms (`.diff_b`, `.w_norm`, `.b_norm`, `.diff` of a
/// norm). They have no factors and no alpha, are added as they are, and go along with a layer of any kind.
///
///     take_vector_deltas(parts, target, adapter.vector_deltas);   // what is left in `parts` makes ΔW
///
/// Sources: KohakuBlueleaf/LyCORIS lycoris/modules/{full,norms}.py, Comfy-Org/ComfyUI comfy/lora.py.

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/delta_kind.h"

namespace ziplora {

/// How keys end that carry such a difference.
const std::vector<PartSuffix>& vector_suffixes();

/// Moves the target's vectors out of the parts to `deltas`, by canonical parameter.
/// @throws Error(kIncompatible) if the layer has no such vector, or one of another length; Error(kInput) if
///         two parts give one vector
void take_vector_deltas(DeltaParts& parts, const TargetName& target, NamedTensors& deltas);

/// "….conv1.bias" → its target and ".diff_b"; "….norm1.weight" → ".w_norm": how kohya's files spell them.
std::pair<const TargetName*, const char*> vector_suffix_of(const std::string& parameter,
                                                           const TargetNames& names);

/// Adds `scale` times each delta to the sum.
void add_vector_deltas(NamedTensors& sum, const NamedTensors& deltas, double scale);

}  // namespace ziplora
