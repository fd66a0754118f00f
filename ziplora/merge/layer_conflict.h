#pragma once
/// How much the inputs of one layer are at odds: what `lora-optimizer` decides by. Its source is section 3.3 of
/// the technical report in github.com/ethanfel/ComfyUI-LoRA-Optimizer, as of commit f70b374.
///
///     const LayerConflict conflict = measure_conflict(target, parts);
///     conflict.measures.excess;   // 0: no more signs differ than the angle between the inputs explains
///
/// Only the signs need single values of ΔW. Of a layer with more than 100,000, so many are drawn and computed
/// from the factors, always the same ones; the source draws without replacement. The rest comes from the cores
/// (joint_core.h).

#include <ATen/core/Tensor.h>

#include <string>

#include "ziplora/merge/layer_parts.h"

namespace ziplora {

/// Of one input alone these are the values for "no conflict". Several pairs are averaged: the excess by their
/// weights Σ min(|a|, |b|), the cosine plainly, the overlap by their ‖a‖ ‖b‖.
struct ConflictMeasures {
  /// max(0, share of differing signs, weighted by min(|a|, |b|) − arccos(cosine)/π). Values below 5 % of the
  /// larger root mean square have no say. A strength below 0 turns its input around.
  double excess = 0;
  double cosine = 0;
  /// ‖Uᵢᵀ Uⱼ‖²/min(rᵢ, rⱼ), U: at most 8 leading singular vectors; the mean of both sides. 1: the same ones.
  double overlap = 0;
  /// The largest ‖ΔW‖ over the smallest, without strengths.
  double size_ratio = 1;
};

struct LayerConflict {
  ConflictMeasures measures;
  /// The share of values above a tenth of the largest |w_k ΔW_k|, between 0.1 and 0.9: what TIES keeps.
  double density = 0.5;
  /// ⟨ΔW_i, ΔW_j⟩ [K, K] float64, of whole layers, without strengths.
  at::Tensor gram;
};

/// @param parts  at least one, none of strength 0
/// @throws Error(kNonFinite) naming the target if a factor holds NaN or Inf
LayerConflict measure_conflict(const std::string& target, const LayerParts& parts);

}  // namespace ziplora
