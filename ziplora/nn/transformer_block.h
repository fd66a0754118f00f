#pragma once
/// One block of the UNet's spatial transformers: self-attention, cross-attention to the prompt and a gated
/// feed-forward, each after a LayerNorm and with a residual. Matches diffusers' BasicTransformerBlock with
/// GEGLU (exact GELU, value half first, gate half second), no dropout and no adaptive norm.

#include "ziplora/nn/attention.h"

namespace ziplora {

/// y = net.2(value ⊙ GELU(gate)), where [value, gate] = net.0.proj(x); the inner width is 4·dim.
class FeedForward : public Module {
 public:
  explicit FeedForward(int64_t dim);
  /// @param x  [B, T, dim]
  at::Tensor forward(const at::Tensor& x) const;

 private:
  Linear proj_, out_;
};

class TransformerBlock : public Module {
 public:
  TransformerBlock(int64_t dim, int64_t num_attention_heads, int64_t cross_attention_dim);
  /// @param tokens   [B, T, dim]
  /// @param context  [B, S, cross_attention_dim], the prompt
  at::Tensor forward(const at::Tensor& tokens, const at::Tensor& context) const;

 private:
  LayerNorm norm1_, norm2_, norm3_;
  Attention attn1_, attn2_;
  FeedForward ff_;
};

}  // namespace ziplora
