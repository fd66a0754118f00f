#include "ziplora/nn/transformer_block.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/gelu.h>

namespace ziplora {

FeedForward::FeedForward(int64_t dim) : proj_(dim, 8 * dim), out_(4 * dim, dim) {
  register_module("net.0.proj", proj_);
  register_module("net.2", out_);
}

at::Tensor FeedForward::forward(const at::Tensor& x) const {
  const auto halves = proj_.forward(x).chunk(2, -1);
  at::Tensor value = halves[0], gate = halves[1];
  // Without a graph, the product reuses the memory of the projection, the block's largest activation.
  return out_.forward(at::GradMode::is_enabled() ? value * at::gelu(gate) : value.mul_(at::gelu_(gate)));
}

TransformerBlock::TransformerBlock(int64_t dim, int64_t num_attention_heads, int64_t cross_attention_dim)
    : norm1_(dim),
      norm2_(dim),
      norm3_(dim),
      attn1_({.query_dim = dim, .num_attention_heads = num_attention_heads}),
      attn2_(
          {.query_dim = dim, .context_dim = cross_attention_dim, .num_attention_heads = num_attention_heads}),
      ff_(dim) {
  register_module("norm1", norm1_);
  register_module("attn1", attn1_);
  register_module("norm2", norm2_);
  register_module("attn2", attn2_);
  register_module("norm3", norm3_);
  register_module("ff", ff_);
}

at::Tensor TransformerBlock::forward(const at::Tensor& tokens, const at::Tensor& context) const {
  // In-place sums are safe under autograd: no backward formula needs a linear layer's result.
  at::Tensor x = attn1_.forward(norm1_.forward(tokens)).add_(tokens);  // self-attention
  x = attn2_.forward(norm2_.forward(x), context).add_(x);              // cross-attention
  return ff_.forward(norm3_.forward(x)).add_(x);                       // feed-forward
}

}  // namespace ziplora
