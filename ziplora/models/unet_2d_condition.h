#pragma once
/// The SDXL UNet, built from a diffusers `unet/config.json`. State-dict names, outputs and gradients equal
/// those of UNet2DConditionModel (diffusers 0.42); proven by tests/parity/test_unet.py.
///
///     UNet2DConditionModel unet(UNet2DConditionConfig::from_json(config));
///     UNetConditioning conditioning{prompt_embeds, pooled_prompt_embeds, time_ids};
///     at::Tensor noise_pred = unet.forward(latents, timesteps, conditioning);

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/nn/module.h"

namespace ziplora {

/// Fields of `unet/config.json` by their meaning. Unknown or unsupported settings are an error, not ignored.
struct UNet2DConditionConfig {
  int64_t in_channels = 4, out_channels = 4;
  int64_t sample_size = 128;  ///< latent side the model was trained at
  std::vector<std::string> down_block_types{"DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"};
  std::vector<std::string> up_block_types{"CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"};
  std::vector<int64_t> block_out_channels{320, 640, 1280};
  std::vector<int64_t> layers_per_block{2, 2, 2};
  std::vector<int64_t> transformer_layers_per_block{1, 2, 10};
  /// Published as `attention_head_dim`, which holds head *counts*; only from_json knows.
  std::vector<int64_t> num_attention_heads{5, 10, 20};
  int64_t cross_attention_dim = 2048;
  int64_t norm_num_groups = 32;
  double norm_eps = 1e-5;
  int64_t addition_time_embed_dim = 256;
  int64_t projection_class_embeddings_input_dim = 2816;
  bool use_linear_projection = true;
  bool flip_sin_to_cos = true;
  double freq_shift = 0;
  int64_t downsample_padding = 1;

  static UNet2DConditionConfig from_json(const nlohmann::json& config);
  nlohmann::json to_json() const;  ///< a `unet/config.json` that diffusers opens
  static UNet2DConditionConfig sdxl() { return {}; }
};

/// What SDXL's UNet is conditioned on besides the timestep.
struct UNetConditioning {
  at::Tensor encoder_hidden_states;  ///< [B, T, cross_attention_dim], the prompt embeddings
  at::Tensor text_embeds;            ///< [B, pooled width], the pooled prompt embeddings
  at::Tensor time_ids;               ///< [B, 6]: original h, w, crop top, left, target h, w
};

class UNet2DConditionModel : public Module {
 public:
  explicit UNet2DConditionModel(UNet2DConditionConfig config);
  ~UNet2DConditionModel() override;

  /// @param sample    [B, in_channels, h, w]
  /// @param timestep  [B] or [] (float or int64)
  /// @return          [B, out_channels, h, w]
  at::Tensor forward(const at::Tensor& sample, const at::Tensor& timestep,
                     const UNetConditioning& conditioning) const;

  /// Recomputes each block in the backward pass instead of keeping its activations.
  void set_gradient_checkpointing(bool on);

  const UNet2DConditionConfig config;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ziplora
