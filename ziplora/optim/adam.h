#pragma once
/// Adam (arXiv 1412.6980) and AdamW (arXiv 1711.05101), with the update rule of torch.optim in its fused
/// form, one pass over memory:
///
///     m ← β1 m + (1−β1) g
///     v ← β2 v + (1−β2) g²
///     θ ← θ − lr/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε)
///
///     Adam optimizer(module.parameters(), {.lr = 1e-3});
///     optimizer.zero_grad();
///     loss.backward();
///     optimizer.step();
///
/// The state consists of plain tensors, so a checkpoint resumes bit for bit.

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "ziplora/io/safetensors.h"

namespace ziplora {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  /// True: AdamW (θ ← θ − lr·wd·θ first); false: wd·θ is added to the gradient.
  bool decoupled = false;
};

class Adam {
 public:
  /// @param parameters  float32 leaves that require gradient
  Adam(std::vector<at::Tensor> parameters, AdamOptions options);

  /// @param lr  this step's rate; absent: that of the options
  void step(std::optional<double> lr = std::nullopt);
  /// Of the parameters that took part in the loss, in their order.
  std::vector<at::Tensor> gradients() const;
  /// Forgets the gradients.
  void zero_grad();
  int64_t step_count() const { return step_count_; }

  /// `exp_avg.<i>`, `exp_avg_sq.<i>`, `step`; they share storage with the optimizer.
  NamedTensors state() const;
  /// @throws Error(kIncompatible) if a tensor is missing or has another shape
  void load_state(const NamedTensors& state);

 private:
  std::vector<at::Tensor> parameters_, exp_avg_, exp_avg_sq_;
  AdamOptions options_;
  int64_t step_count_ = 0;
};

/// Scales all gradients so that their joint L2 norm is at most `max_norm`, as torch.nn.utils.clip_grad_norm_.
/// @return the norm before
double clip_gradient_norm(const std::vector<at::Tensor>& parameters, double max_norm);

}  // namespace ziplora
