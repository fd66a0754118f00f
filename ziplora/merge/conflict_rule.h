#pragma once
/// The decisions of `lora-optimizer`: how each layer is merged, and how far the whole is turned down. The
/// thresholds are those of the preset `sd_unet` in github.com/ethanfel/ComfyUI-LoRA-Optimizer, commit f70b374
/// (technical report, sections 3.4 and 3.5); functions of numbers alone.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "ziplora/merge/layer_conflict.h"

namespace ziplora {

enum class Blend { kSum, kAverage, kSlerp, kConsensus, kTies };
/// "sum", "average", "slerp", …
const char* name_of(Blend blend);

/// The block whose layers are smoothed together: a flattened sgm name up to its first number, without the
/// component, so that both text encoders share theirs.
/// @param flattened  "lora_unet_input_blocks_4_1_proj_in"
/// @return           "input_blocks_4"
std::string smoothing_block(const std::string& flattened);

struct BlockLayer {
  std::string block;
  /// Σ_k ‖ΔW_k‖²
  double weight;
  ConflictMeasures raw;
};

/// A quarter of each measure is the mean over its block, by weight; a block's only layer stays as it is. Layers
/// that one input alone has count, with the values of "no conflict".
std::vector<ConflictMeasures> smoothed_over_blocks(const std::vector<BlockLayer>& layers);

/// @param smoothed    decides the method
/// @param raw_cosine  below 0, inputs are averaged instead of interpolated on the sphere
Blend blend_of(const ConflictMeasures& smoothed, double raw_cosine);

/// TIES lets values vote, instead of signs, where one input is more than twice as large as another.
bool values_vote(const ConflictMeasures& smoothed);

/// What all strengths are multiplied by, so that ‖Σ_k w_k ΔW_k‖ is no more than max_k ‖w_k ΔW_k‖; at most 1,
/// and at least 0.85 where the mean cosine of the inputs is within ±0.1.
/// @param gram  ⟨ΔW_i, ΔW_j⟩ [K, K] float64, summed over layers
double energy_scale(const std::vector<double>& strengths, const at::Tensor& gram);

}  // namespace ziplora
