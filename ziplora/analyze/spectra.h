#pragma once
/// How the energy of one layer's ΔW spreads over its ranks: tells a LoRA that could be compressed from one
/// that uses what it has.
///
///     SpectrumSummary summary = summarize_spectrum(layer);
///     summary.stable_rank;   // 1: a single direction … rank: all alike
///
/// Works on the thin factors; ΔW is never built. Stable rank: Rudelson & Vershynin, arXiv math/0503442,
/// sect. 1.

#include "ziplora/lora/adapter.h"

namespace ziplora {

struct SpectrumSummary {
  double norm = 0;         ///< ‖ΔW‖_F
  double largest = 0;      ///< σ_1, the largest singular value
  double stable_rank = 0;  ///< ‖ΔW‖_F² / σ_1²; 0 if ΔW is 0
  double first_half_energy =
      0;  ///< share of Σσ² in the ⌈r/2⌉ largest; what compressing to half the rank keeps
};

SpectrumSummary summarize_spectrum(const LoraLayer& layer);

}  // namespace ziplora
