#pragma once
/// The Vision Transformer (arXiv 2010.11929), whose form DINO's models have (arXiv 2104.14294). Names, outputs and
/// gradients equal those of transformers' ViTModel without its pooler.
///
///     at::Tensor hidden = vit.forward(pixel_values);   // DINO's feature of an image is hidden.select(1, 0)

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "ziplora/nn/module.h"

namespace ziplora {

struct VitConfig {
  int64_t hidden_size, intermediate_size, num_hidden_layers, num_attention_heads;
  int64_t image_size, patch_size;
  bool qkv_bias = true;
  double layer_norm_eps = 1e-12;

  /// @throws Error(kInput) or Error(kIncompatible) as ConfigReader
  static VitConfig from_json(const nlohmann::json& config);
};

class VitModel : public Module {
 public:
  explicit VitModel(VitConfig config);
  ~VitModel() override;

  /// @param pixel_values  [B, 3, H, W]
  /// @return              [B, 1 + patches, hidden]: after the last norm, the class token first
  at::Tensor forward(const at::Tensor& pixel_values) const;

  const VitConfig config;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ziplora
