#include "ziplora/models/clip_encoder_layer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/sigmoid.h>
#include <fmt/format.h>

namespace ziplora {

Activation read_activation(ConfigReader& config) {
  const auto name = config.get<std::string>("hidden_act", "quick_gelu");
  if (name == "gelu") return Activation::kGelu;
  if (name != "quick_gelu") config.unsupported("hidden_act", "\"quick_gelu\" and \"gelu\"");
  return Activation::kQuickGelu;
}

const char* name_of(Activation activation) { return activation == Activation::kGelu ? "gelu" : "quick_gelu"; }

int64_t read_num_attention_heads(ConfigReader& config, int64_t hidden_size) {
  const int64_t heads = config.positive("num_attention_heads");
  if (hidden_size % heads != 0)
    config.unsupported("num_attention_heads", fmt::format("divisors of hidden_size {}", hidden_size));
  return heads;
}

ClipEncoderLayer::SelfAttention::SelfAttention(const ClipEncoderLayerOptions& o)
    : num_heads_(o.num_attention_heads),
      causal_(o.causal),
      q_proj_(o.hidden_size, o.hidden_size),
      k_proj_(o.hidden_size, o.hidden_size),
      v_proj_(o.hidden_size, o.hidden_size),
      out_proj_(o.hidden_size, o.hidden_size) {
  register_module("k_proj", k_proj_);
  register_module("v_proj", v_proj_);
  register_module("q_proj", q_proj_);
  register_module("out_proj", out_proj_);
}

at::Tensor ClipEncoderLayer::SelfAttention::forward(const at::Tensor& x) const {
  const auto split_heads = [&](const at::Tensor& y) {  // [B, T, hidden] → [B, heads, T, head_dim]
    return y.view({y.size(0), y.size(1), num_heads_, -1}).transpose(1, 2);
  };
  const at::Tensor y = at::scaled_dot_product_attention(
      split_heads(q_proj_.forward(x)), split_heads(k_proj_.forward(x)), split_heads(v_proj_.forward(x)),
      /*attn_mask=*/{}, /*dropout_p=*/0.0, causal_);
  return out_proj_.forward(y.transpose(1, 2).reshape(x.sizes()));
}

ClipEncoderLayer::Mlp::Mlp(const ClipEncoderLayerOptions& o)
    : activation_(o.activation),
      fc1_(o.hidden_size, o.intermediate_size),
      fc2_(o.intermediate_size, o.hidden_size) {
  register_module("fc1", fc1_);
  register_module("fc2", fc2_);
}

at::Tensor ClipEncoderLayer::Mlp::forward(const at::Tensor& x) const {
  const at::Tensor h = fc1_.forward(x);
  return fc2_.forward(activation_ == Activation::kGelu ? at::gelu(h) : h * at::sigmoid(1.702 * h));
}

ClipEncoderLayer::ClipEncoderLayer(const ClipEncoderLayerOptions& o)
    : self_attn_(o),
      mlp_(o),
      layer_norm1_(o.hidden_size, o.layer_norm_eps),
      layer_norm2_(o.hidden_size, o.layer_norm_eps) {
  register_module("self_attn", self_attn_);
  register_module("layer_norm1", layer_norm1_);
  register_module("mlp", mlp_);
  register_module("layer_norm2", layer_norm2_);
}

at::Tensor ClipEncoderLayer::forward(const at::Tensor& x) const {
  const at::Tensor y = x + self_attn_.forward(layer_norm1_.forward(x));
  return y + mlp_.forward(layer_norm2_.forward(y));
}

}  // namespace ziplora
