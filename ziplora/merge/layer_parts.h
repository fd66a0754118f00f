#pragma once
/// One layer as several adapters have it, side by side: what every merge that works layer by layer starts
/// from.
///
///     for (const auto& [target, parts] : layers_side_by_side({{&cat, 1.0}, {&ink, 0.8}}))
///       for (const LayerPart& part : parts) …   // Σ part.factor() · up @ down is the exact sum
///
/// A target that only some adapters touch has those adapters' parts.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "ziplora/lora/adapter.h"

namespace ziplora {

struct WeightedAdapter {
  const Adapter* adapter;
  double weight = 1.0;  ///< strength, folded into up
};

struct LayerPart {
  size_t input;  ///< index of the adapter it is from
  const LoraLayer* layer;
  double weight;                                             ///< the adapter's
  double factor() const { return weight * layer->scale(); }  ///< weight · ΔW = factor · up @ down
};

using LayerParts = std::vector<LayerPart>;

/// @return by canonical target, parts in order of the adapters
/// @throws Error(kIncompatible) naming the target if shapes differ, or one file has a linear layer where the
///         other has a convolution
std::map<std::string, LayerParts> layers_side_by_side(const std::vector<WeightedAdapter>& adapters);

}  // namespace ziplora
