#pragma once
/// DINOv2 (arXiv 2304.07193): a Vision Transformer with a learned scale on each branch, and in its giant form a gated
/// MLP. Names, outputs and gradients equal those of transformers' Dinov2Model.
///
///     at::Tensor hidden = dinov2.forward(pixel_values);   // an image's feature is hidden.select(1, 0)

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "ziplora/nn/module.h"

namespace ziplora {

struct Dinov2Config {
  int64_t hidden_size, num_hidden_layers, num_attention_heads;
  int64_t image_size, patch_size;
  double mlp_ratio = 4;         ///< width of the MLP / hidden_size
  bool use_swiglu_ffn = false;  ///< the gated MLP, two thirds as wide, rounded up to a multiple of 8
  bool qkv_bias = true;
  double layer_norm_eps = 1e-6;

  /// @throws Error(kInput) or Error(kIncompatible) as ConfigReader
  static Dinov2Config from_json(const nlohmann::json& config);
  int64_t mlp_width() const;
};

class Dinov2Model : public Module {
 public:
  explicit Dinov2Model(Dinov2Config config);
  ~Dinov2Model() override;

  /// @param pixel_values  [B, 3, H, W]
  /// @return              [B, 1 + patches, hidden]: after the last norm, the class token first
  at::Tensor forward(const at::Tensor& pixel_values) const;

  const Dinov2Config config;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ziplora
