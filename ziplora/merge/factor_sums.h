#pragma once
/// How methods that mix `up` and `down` separately spread an input's strength over the two. As PEFT's
/// add_weighted_adapter (peft/tuners/lora/model.py, 0.21): √|f| on each side, the sign on `down`.

#include <string>
#include <vector>

#include "ziplora/merge/layer_parts.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

struct FactorShares {
  /// By part; down[k] · up[k] = parts[k].factor()
  std::vector<double> down, up;
};
FactorShares factor_shares(const LayerParts& parts);

/// Factors of different ranks cannot be added.
/// @param hint  a method that takes them
/// @throws Error(kIncompatible) naming the target and two inputs with their ranks
void require_equal_ranks(const std::string& target, const LayerParts& parts,
                         const std::vector<MergeInput>& inputs, const std::string& hint);

}  // namespace ziplora
