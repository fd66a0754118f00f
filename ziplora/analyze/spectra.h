#pragma once
/// How the energy of one layer's ΔW spreads over its ranks: tells a LoRA that could be compressed from one
/// that uses what it has.
///
///     SpectrumSummary summary = summarize_spectrum(layer);
///     summary.stable_rank;   // 1: a single direction … rank: all alike
///
/// Up to rank 256 exact, from the thin factors. Above (whole differences, large LoHa) an SVD would take
/// seconds a layer, so σ_1 is found by block power iteration: a little low, by less than 5 % for the flattest
/// spectra. ΔW is never built. Stable rank: Rudelson & Vershynin, arXiv math/0503442, sect. 1; the iteration:
/// Halko, Martinsson & Tropp, arXiv 0909.4061, algorithm 4.4.

#include <optional>

#include "ziplora/lora/adapter.h"

namespace ziplora {

inline constexpr int64_t kMostExactRank = 256;

struct SpectrumSummary {
  double norm = 0;         ///< ‖ΔW‖_F, always exact
  double largest = 0;      ///< σ_1, the largest singular value
  double stable_rank = 0;  ///< ‖ΔW‖_F² / σ_1²; 0 if ΔW is 0
  /// Share of Σσ² in the ⌈r/2⌉ largest: what compressing to half the rank keeps. Absent above kMostExactRank.
  std::optional<double> first_half_energy;
};

SpectrumSummary summarize_spectrum(const LoraLayer& layer);

}  // namespace ziplora
