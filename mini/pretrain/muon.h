#pragma once
/// Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/): gradient descent with momentum
/// whose step is made orthogonal, so that every direction of a matrix is learned at one rate. What is rare in
/// the data (one subject of hundreds) moves weak directions only, and Adam learns those last (arXiv
/// 2509.26030).
///
///     B ← B + (1−μ)(G − B)
///     U = G + μ(B − G)
///     θ ← θ − lr·wd·θ − lr · 0.2 √max(rows, columns) · NS₅(U)
///
/// NS₅ is five quintic Newton-Schulz iterations on U/‖U‖ in bfloat16. The factor 0.2 √max makes steps as
/// large as AdamW's (arXiv 2502.16982, 2.2), so that both can share one rate. Equal to torch.optim.Muon with
/// nesterov=True and adjust_lr_fn="match_rms_adamw"; a convolution's weight counts as [out, in·h·w].

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "ziplora/io/safetensors.h"

namespace ziplora::mini {

struct MuonOptions {
  double lr = 1e-3;
  double momentum = 0.95;
  double weight_decay = 0.0;  ///< decoupled
  int64_t threads = 1;        ///< each takes one matrix at a time
};

class Muon {
 public:
  /// @param parameters  float32 leaves of two or more dimensions that require gradient
  /// @throws Error(kInternal) for a vector
  Muon(std::vector<at::Tensor> parameters, MuonOptions options);

  /// @param lr  this step's rate; absent: that of the options
  void step(std::optional<double> lr = std::nullopt);

  /// `momentum.<i>`; shares storage with the optimizer.
  NamedTensors state() const;
  /// @throws Error(kIncompatible) if a tensor is missing or has another shape
  void load_state(const NamedTensors& state);

 private:
  std::vector<at::Tensor> parameters_, momentum_;
  MuonOptions options_;
};

}  // namespace ziplora::mini
