#pragma once
/// CLIP's image encoder (a ViT) with projection. Names, outputs and gradients equal those of transformers'
/// CLIPVisionModelWithProjection. The miniature's text encoders are trained against it, and it judges images.
///
///     at::Tensor embeds = vision.forward(pixel_values);   // [B, projection_dim], not normalised

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "ziplora/models/clip_text_model.h"
#include "ziplora/nn/module.h"

namespace ziplora {

struct ClipVisionConfig {
  int64_t hidden_size = 768, intermediate_size = 3072;
  int64_t num_hidden_layers = 12, num_attention_heads = 12;
  int64_t image_size = 224, patch_size = 32;
  int64_t projection_dim = 512;
  Activation hidden_act = Activation::kQuickGelu;
  double layer_norm_eps = 1e-5;

  static ClipVisionConfig from_json(const nlohmann::json& config, const ConfigHints& hints = kBaseHints);
  nlohmann::json to_json() const;
};

class ClipVisionModel : public Module {
 public:
  explicit ClipVisionModel(ClipVisionConfig config);
  ~ClipVisionModel() override;

  /// @param pixel_values  [B, 3, image_size, image_size], normalised with CLIP's mean and deviation
  /// @return              [B, projection_dim]
  at::Tensor forward(const at::Tensor& pixel_values) const;

  const ClipVisionConfig config;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ziplora
