#include "ziplora/nn/transformer_2d.h"

#include <fmt/format.h>

#include "ziplora/nn/recompute.h"

namespace ziplora {

Transformer2D::Transformer2D(Options o) : norm_(o.norm_num_groups, o.channels, 1e-6) {
  register_module("norm", norm_);
  if (o.use_linear_projection) {
    linear_in_ = std::make_unique<Linear>(o.channels, o.channels);
    linear_out_ = std::make_unique<Linear>(o.channels, o.channels);
    register_module("proj_in", *linear_in_);
  } else {
    const Conv2d::Options pointwise{.in_channels = o.channels, .out_channels = o.channels, .kernel_size = 1};
    conv_in_ = std::make_unique<Conv2d>(pointwise);
    conv_out_ = std::make_unique<Conv2d>(pointwise);
    register_module("proj_in", *conv_in_);
  }
  for (int64_t i = 0; i < o.num_layers; ++i) {
    blocks_.push_back(
        std::make_unique<TransformerBlock>(o.channels, o.num_attention_heads, o.cross_attention_dim));
    register_module(fmt::format("transformer_blocks.{}", i), *blocks_.back());
  }
  if (o.use_linear_projection) {
    register_module("proj_out", *linear_out_);
  } else {
    register_module("proj_out", *conv_out_);
  }
}

at::Tensor Transformer2D::forward(const at::Tensor& x, const at::Tensor& context, bool recompute) const {
  at::Tensor tokens = norm_.forward(x);
  if (conv_in_) tokens = conv_in_->forward(tokens);
  tokens = tokens.flatten(2).transpose(1, 2);  // [B, H·W, channels]
  if (linear_in_) tokens = linear_in_->forward(tokens);

  for (const auto& block : blocks_) {
    const auto forward = [&block = *block](const std::vector<at::Tensor>& inputs) {
      return block.forward(inputs[0], inputs[1]);
    };
    tokens = recompute ? recomputed_in_backward(*block, forward, {tokens, context})
                       : block->forward(tokens, context);
  }

  if (linear_out_) tokens = linear_out_->forward(tokens);
  at::Tensor y = tokens.transpose(1, 2).unflatten(2, {x.size(2), x.size(3)});  // [B, channels, H, W]
  if (conv_out_) y = conv_out_->forward(y);
  return y.add_(x);
}

}  // namespace ziplora
