#pragma once
/// Group and layer normalisation with affine parameters, as torch.nn.GroupNorm and torch.nn.LayerNorm.

#include "ziplora/nn/module.h"

namespace ziplora {

class GroupNorm : public Module {
 public:
  GroupNorm(int64_t num_groups, int64_t num_channels, double eps);
  /// @param x  [B, C, …]
  at::Tensor forward(const at::Tensor& x) const;
  void reset_parameters(at::Generator generator) override;
  at::Tensor weight, bias;  ///< [C]

 private:
  int64_t num_groups_, num_channels_;
  double eps_;
};

class LayerNorm : public Module {
 public:
  explicit LayerNorm(int64_t size, double eps = 1e-5);
  /// @param x  […, size]
  at::Tensor forward(const at::Tensor& x) const;
  void reset_parameters(at::Generator generator) override;
  at::Tensor weight, bias;  ///< [size]

 private:
  int64_t size_;
  double eps_;
};

}  // namespace ziplora
