#pragma once
/// How the energy of one layer's ΔW is distributed over its ranks. It shows whether a LoRA could be
/// compressed or uses all of its ranks.
///
///     const SpectrumSummary summary = summarize_spectrum(layer);
///     summary.stable_rank;  // from 1, a single direction, to the rank, all directions alike
///
/// Exact up to rank 256, from the thin factors. Above (whole differences, large LoHa) an SVD would take
/// seconds per layer, so σ_1 comes from block power iteration: a little too low, by less than 5 % for the
/// flattest spectra. ΔW is never built.
///
/// Sources: for the stable rank Rudelson & Vershynin, arXiv math/0503442, sect. 1; for the iteration Halko,
/// Martinsson & Tropp, arXiv 0909.4061, algorithm 4.4.

#include <optional>

#include "ziplora/lora/adapter.h"

namespace ziplora {

inline constexpr int64_t kMostExactRank = 256;

struct SpectrumSummary {
  double norm = 0;         ///< ‖ΔW‖_F, always exact
  double largest = 0;      ///< σ_1, the largest singular value
  double stable_rank = 0;  ///< ‖ΔW‖_F² / σ_1²; 0 if ΔW is 0
  /// The share of Σσ² in the ⌈r/2⌉ largest: what compression to half the rank keeps. Absent above
  /// kMostExactRank.
  std::optional<double> first_half_energy;
};

SpectrumSummary summarize_spectrum(const LoraLayer& layer);

}  // namespace ziplora
