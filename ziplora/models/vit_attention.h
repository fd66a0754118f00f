#pragma once
/// Self-attention under the names of transformers' ViT and DINOv2: attention.query, attention.key,
/// attention.value and output.dense.
///
///     register_module("attention", attention_);

#include "ziplora/nn/attention.h"

namespace ziplora {

class VitAttention : public Module {
 public:
  struct Options {
    int64_t hidden_size, num_attention_heads;
    bool qkv_bias = true;
  };
  explicit VitAttention(Options options)
      : attention_({.query_dim = options.hidden_size,
                    .num_attention_heads = options.num_attention_heads,
                    .bias = options.qkv_bias}) {
    register_module("attention.query", attention_.to_q);
    register_module("attention.key", attention_.to_k);
    register_module("attention.value", attention_.to_v);
    register_module("output.dense", attention_.to_out);
  }

  /// @param x  [B, T, hidden]
  at::Tensor forward(const at::Tensor& x) const { return attention_.forward(x); }

 private:
  Attention attention_;
};

}  // namespace ziplora
