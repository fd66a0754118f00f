#pragma once
/// One layer as each of several adapters has it: what every merge that works layer by layer starts from.
///
///     for (const auto& [target, parts] : layers_side_by_side({{&cat, 1.0}, {&ink, 0.8}}))
///       for (const LayerPart& part : parts) …   // Σ part.factor() · up @ down is the exact sum
///
/// A target that only some adapters touch has the parts of those adapters.

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "ziplora/lora/adapter.h"

namespace ziplora {

/// One term of the sum Σ_k strength_k · ΔW_k.
struct AdapterTerm {
  const Adapter* adapter;
  double strength = 1.0;
};

struct LayerPart {
  /// Index of the adapter it comes from.
  size_t input;
  const LoraLayer* layer;
  /// The adapter's.
  double strength;

  /// strength · ΔW = factor · up @ down
  double factor() const { return strength * layer->scale(); }
};

using LayerParts = std::vector<LayerPart>;

/// @return by canonical target, parts in the order of the adapters
/// @throws Error(kIncompatible) naming the target if the shapes differ, or if the layer is linear in one file
///         and a convolution in the other
std::map<std::string, LayerParts> layers_side_by_side(const std::vector<AdapterTerm>& adapters);

}  // namespace ziplora
