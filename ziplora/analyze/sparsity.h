#pragma once
/// How much of a layer's effect its largest values carry. ZipLoRA (arXiv 2311.13600, sections 4.1 and figure 3)
/// sets most values of a LoRA's ΔW to zero and sees little change; how far that goes is a property of the file.
///
///     const KeptEnergy kept = kept_energy(layer);
///     kept.values[4];   // of Σ ΔW², without the smallest 90 % of the values
///
/// ΔW is built, one layer at a time: single values cannot be ranked in the factors.

#include <array>

#include "ziplora/lora/adapter.h"

namespace ziplora {

inline constexpr std::array kZeroedShares = {0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99};

/// The share of Σ ΔW² that stays when that share of a layer is set to zero, for each of kZeroedShares: 1 loses
/// nothing. NaN where ΔW is 0.
struct KeptEnergy {
  std::array<double, kZeroedShares.size()> values{};   ///< without the smallest values
  std::array<double, kZeroedShares.size()> columns{};  ///< without the input columns of the smallest norms
};

/// ⌊share · count⌋ values, or columns, are set to zero.
KeptEnergy kept_energy(const LoraLayer& layer);

}  // namespace ziplora
