#pragma once
/// Transformer blocks over the pixels of a feature map, with a residual around them. Matches diffusers'
/// Transformer2DModel for continuous input.

#include <memory>
#include <vector>

#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/transformer_block.h"

namespace ziplora {

class Transformer2D : public Module {
 public:
  struct Options {
    int64_t channels;
    int64_t num_attention_heads;  ///< divides channels
    int64_t num_layers;
    int64_t cross_attention_dim;
    int64_t norm_num_groups = 32;
    bool use_linear_projection = true;  ///< proj_in and proj_out are Linear, else 1×1 convolutions
  };
  explicit Transformer2D(Options options);

  /// @param x          [B, channels, H, W]
  /// @param context    [B, S, cross_attention_dim]
  /// @param recompute  compute each block again in the backward pass (nn/recompute.h)
  at::Tensor forward(const at::Tensor& x, const at::Tensor& context, bool recompute) const;

 private:
  GroupNorm norm_;
  std::unique_ptr<Linear> linear_in_, linear_out_;  ///< either these two
  std::unique_ptr<Conv2d> conv_in_, conv_out_;      ///< or these two
  std::vector<std::unique_ptr<TransformerBlock>> blocks_;
};

}  // namespace ziplora
