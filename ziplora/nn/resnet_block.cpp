#include "ziplora/nn/resnet_block.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/silu.h>

namespace ziplora {

ResnetBlock::ResnetBlock(Options o)
    : norm1_(o.norm_num_groups, o.in_channels, o.norm_eps),
      conv1_({.in_channels = o.in_channels, .out_channels = o.out_channels, .kernel_size = 3, .padding = 1}),
      norm2_(o.norm_num_groups, o.out_channels, o.norm_eps),
      conv2_(
          {.in_channels = o.out_channels, .out_channels = o.out_channels, .kernel_size = 3, .padding = 1}) {
  register_module("norm1", norm1_);
  register_module("conv1", conv1_);
  if (o.time_embedding_dim) {
    time_emb_proj_ = std::make_unique<Linear>(o.time_embedding_dim, o.out_channels);
    register_module("time_emb_proj", *time_emb_proj_);
  }
  register_module("norm2", norm2_);
  register_module("conv2", conv2_);
  if (o.in_channels != o.out_channels) {
    conv_shortcut_ = std::make_unique<Conv2d>(
        Conv2d::Options{.in_channels = o.in_channels, .out_channels = o.out_channels, .kernel_size = 1});
    register_module("conv_shortcut", *conv_shortcut_);
  }
}

at::Tensor ResnetBlock::forward(const at::Tensor& x, const at::Tensor& activated_time) const {
  // In-place sums are safe under autograd: no backward formula needs a convolution's result.
  at::Tensor h = conv1_.forward(norm_silu(norm1_, x));
  if (time_emb_proj_)
    h.add_(time_emb_proj_->forward(activated_time).unsqueeze(-1).unsqueeze(-1));  // [B, out, 1, 1]
  h = conv2_.forward(norm_silu(norm2_, h));
  return h.add_(conv_shortcut_ ? conv_shortcut_->forward(x) : x);
}

at::Tensor norm_silu(const GroupNorm& norm, const at::Tensor& x) {
  at::Tensor normalized = norm.forward(x);
  return at::GradMode::is_enabled() ? at::silu(normalized) : at::silu_(normalized);
}

}  // namespace ziplora
