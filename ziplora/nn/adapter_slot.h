#pragma once
/// The slot of a linear or convolution layer in which adapters add their low-rank update. Models know nothing
/// of LoRAs: lora/attach fills the slot, merge/zip fills it with coefficients folded in, and `weight` keeps
/// its name.
///
///     y = W x + up · (gate ⊙ (down · x))
///
/// All adapters of the layer are stacked along the rank, so K adapters cost two thin products, and no ΔW is
/// ever built. Each row of a batch may weigh the ranks differently (`row_gate`): base, subject alone, style
/// alone, direct and zip can be rows of one forward pass.

#include <ATen/core/Tensor.h>

#include <functional>

namespace ziplora {

struct LowRankUpdate {
  /// [R, in] (convolution: [R, in, kh, kw]), where R = Σ ranks; may carry gradient.
  at::Tensor down;
  /// [out, R] (convolution: [out, R, 1, 1]), with the scale lora_alpha / rank folded in.
  at::Tensor up;
  /// [B, R]; undefined if every row takes every rank with weight 1.
  at::Tensor row_gate;

  /// The factors in the dtype of the activations, since trained factors stay float32 under bfloat16
  /// activations. Differentiable; no copy if the dtype is the same.
  LowRankUpdate as(at::ScalarType dtype) const {
    return {down.to(dtype), up.to(dtype), row_gate.defined() ? row_gate.to(dtype) : row_gate};
  }
};

class AdapterSlot {
 public:
  void set(LowRankUpdate update) { update_ = std::move(update); }
  void clear() { update_ = {}; }
  /// @param inputs     x: [B, …, in] (convolution: [B, in, H, W])
  /// @param projected  down · x, before the gate: [B, …, R] (convolution: [B, R, H', W'])
  using Observer = std::function<void(const at::Tensor& inputs, const at::Tensor& projected)>;
  /// Calls `see` in every forward pass. Stays until it is replaced by nullptr.
  void observe(Observer see) { observer_ = std::move(see); }
  void show(const at::Tensor& inputs, const at::Tensor& projected) const {
    if (observer_) observer_(inputs, projected);
  }
  bool empty() const { return !update_.down.defined(); }
  const LowRankUpdate& update() const { return update_; }

 private:
  LowRankUpdate update_;
  Observer observer_;
};

}  // namespace ziplora
