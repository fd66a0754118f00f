#pragma once
/// The place in a linear or convolution layer where adapters add their low-rank update. Models never learn
/// what a LoRA is: lora/attach fills the slot, merge/zip fills it with coefficients folded in, and `weight`
/// keeps its name.
///
/// y = W x + up · (gate ⊙ (down · x)): all adapters of the layer are stacked along the rank, so K adapters
/// cost two thin products, and no ΔW is ever built. Each row of a batch may weigh the ranks differently
/// (`row_gate`): base, subject alone, style alone, direct and zip can be rows of one forward pass.

#include <ATen/core/Tensor.h>

namespace ziplora {

struct LowRankUpdate {
  at::Tensor down;  ///< [R, in] (convolution: [R, in, kh, kw]); may carry gradient; R = Σ ranks
  at::Tensor up;    ///< [out, R] (convolution: [out, R, 1, 1]); scale = lora_alpha / rank already folded in
  at::Tensor row_gate;  ///< [B, R], or undefined when every row takes every rank with weight 1

  /// The factors in the activations' dtype (differentiable; no copy if they have it already): trained factors
  /// stay float32 under bfloat16 activations.
  LowRankUpdate as(at::ScalarType dtype) const {
    return {down.to(dtype), up.to(dtype), row_gate.defined() ? row_gate.to(dtype) : row_gate};
  }
};

class AdapterSlot {
 public:
  void set(LowRankUpdate update) { update_ = std::move(update); }
  void clear() { update_ = {}; }
  bool empty() const { return !update_.down.defined(); }
  const LowRankUpdate& update() const { return update_; }

 private:
  LowRankUpdate update_;
};

}  // namespace ziplora
