#pragma once
/// CLIP's text encoder, with or without a projection. Both text encoders of SDXL are this class, by config.
/// Names, outputs and gradients equal transformers' CLIPTextModel and CLIPTextModelWithProjection.
///
///     ClipTextOutput out = encoder.forward(token_ids);   // out.penultimate is what SDXL's UNet attends to

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "ziplora/models/clip_encoder_layer.h"
#include "ziplora/nn/module.h"

namespace ziplora {

struct ClipTextConfig {
  int64_t vocab_size = 49408, hidden_size = 768, intermediate_size = 3072;
  int64_t num_hidden_layers = 12, num_attention_heads = 12, max_position_embeddings = 77;
  Activation hidden_act = Activation::kQuickGelu;
  double layer_norm_eps = 1e-5;
  int64_t eos_token_id = 49407, bos_token_id = 49406, pad_token_id = 49407;
  int64_t projection_dim = 0;  ///< 0: no text_projection (SDXL's first encoder)

  /// @param with_projection  from the folder's "architectures": CLIPTextModelWithProjection
  static ClipTextConfig from_json(const nlohmann::json& config, bool with_projection,
                                  const ConfigHints& hints = kBaseHints);
  nlohmann::json to_json() const;  ///< a config.json that transformers opens
};

struct ClipTextOutput {
  at::Tensor penultimate;        ///< [B, T, hidden]: output of the last layer but one, no final norm
  at::Tensor last_hidden_state;  ///< [B, T, hidden]: output of the last layer, after the final norm
  at::Tensor pooled;             ///< [B, hidden] at the EOS token, or [B, projection_dim] with a projection
};

class ClipTextModel : public Module {
 public:
  explicit ClipTextModel(ClipTextConfig config);
  ~ClipTextModel() override;

  /// @param token_ids  [B, T] int64, T ≤ max_position_embeddings
  ClipTextOutput forward(const at::Tensor& token_ids) const;

  const ClipTextConfig config;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ziplora
