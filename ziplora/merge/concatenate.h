#pragma once
/// The exact sum of adapters as one adapter: factors side by side, rank Σ r_k, no cross terms, no SVD.
///
///     Adapter merged = concatenate({{&cat, 1.0}, {&ink, 0.8}});
///
/// For each target: up = [w_1 s_1 up_1 … w_K s_K up_K], down = [down_1; …; down_K], lora_alpha absent (scale
/// 1), so up @ down = Σ_k w_k s_k up_k @ down_k. Leaves out compression (merge/compress) and metadata
/// (app/merge).

#include <vector>

#include "ziplora/lora/adapter.h"

namespace ziplora {

struct WeightedAdapter {
  const Adapter* adapter;
  double weight = 1.0;  ///< strength, folded into up
};

/// @return float32 factors; a target that only some adapters touch gets those adapters' rank
/// @throws Error(kIncompatible) naming the target if shapes differ, or one file has a linear layer where the
/// other
///         has a convolution
Adapter concatenate(const std::vector<WeightedAdapter>& adapters);

}  // namespace ziplora
