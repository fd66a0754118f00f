#pragma once
/// The transformer layer that CLIP's text and image encoders stack: pre-norm self-attention and MLP. Matches
/// transformers' CLIPEncoderLayer. It cannot share the UNet's attention, since all its projections have biases
/// and other names (q_proj, out_proj).
///
///     ClipEncoderLayer layer({.hidden_size = 768,
///                             .intermediate_size = 3072,
///                             .num_attention_heads = 12,
///                             .activation = Activation::kQuickGelu,
///                             .causal = true});
///     hidden = layer.forward(hidden);   // [B, T, hidden]

#include <ATen/core/Tensor.h>

#include "ziplora/models/config_reader.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {

enum class Activation { kQuickGelu, kGelu };

/// "hidden_act" of a config.
/// @throws Error(kIncompatible) for another one
Activation read_activation(ConfigReader& config);
const char* name_of(Activation activation);

/// "num_attention_heads" of a config, which must divide "hidden_size".
int64_t read_num_attention_heads(ConfigReader& config, int64_t hidden_size);

struct ClipEncoderLayerOptions {
  int64_t hidden_size, intermediate_size, num_attention_heads;
  Activation activation;
  double layer_norm_eps = 1e-5;
  bool causal;  ///< text: a token sees itself and those before it; images: every patch sees every patch
};

class ClipEncoderLayer : public Module {
 public:
  explicit ClipEncoderLayer(const ClipEncoderLayerOptions& options);
  /// @param x  [B, T, hidden]
  at::Tensor forward(const at::Tensor& x) const;

 private:
  class SelfAttention : public Module {
   public:
    explicit SelfAttention(const ClipEncoderLayerOptions& options);
    at::Tensor forward(const at::Tensor& x) const;

   private:
    int64_t num_heads_;
    bool causal_;
    Linear q_proj_, k_proj_, v_proj_, out_proj_;
  };

  class Mlp : public Module {
   public:
    explicit Mlp(const ClipEncoderLayerOptions& options);
    at::Tensor forward(const at::Tensor& x) const;

   private:
    Activation activation_;
    Linear fc1_, fc2_;
  };

  SelfAttention self_attn_;
  Mlp mlp_;
  LayerNorm layer_norm1_, layer_norm2_;
};

}  // namespace ziplora
