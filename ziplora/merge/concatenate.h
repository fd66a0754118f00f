#pragma once
/// The exact sum of adapters as one adapter: factors side by side, rank Σ r_k, no cross terms, no SVD.
///
///     Adapter merged = concatenate({{&cat, 1.0}, {&ink, 0.8}});
///
/// For each target: up = [w_1 s_1 up_1 … w_K s_K up_K], down = [down_1; …; down_K], with strengths w_k and
/// scales s_k. lora_alpha is absent (scale 1), so up @ down = Σ_k w_k s_k up_k @ down_k. Leaves out
/// compression (lora/compress.h) and metadata (app/merge_metadata.h).

#include <vector>

#include "ziplora/merge/layer_parts.h"

namespace ziplora {

/// @return factors in the parts' common dtype; `up` in float32 where a strength or a scale is multiplied in
LoraLayer concatenate_layer(const LayerParts& parts);

/// @return a target that only some adapters touch has the rank of those adapters together
/// @throws Error(kIncompatible) as layers_side_by_side
Adapter concatenate(const std::vector<AdapterTerm>& adapters);

}  // namespace ziplora
