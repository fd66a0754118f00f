#pragma once
/// Two 3×3 convolutions with a shortcut, and a shift by the timestep if there is one: the building block of
/// UNet and autoencoder. Matches diffusers' ResnetBlock2D with time_embedding_norm "default", SiLU and no
/// dropout.
///
///     h = conv1(silu(norm1(x))) + time_emb_proj(silu(time_embedding))
///     y = shortcut(x) + conv2(silu(norm2(h)))

#include <memory>

#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {

class ResnetBlock : public Module {
 public:
  struct Options {
    int64_t in_channels, out_channels;
    int64_t time_embedding_dim = 0;  ///< 0: no time embedding (autoencoder)
    int64_t norm_num_groups = 32;
    double norm_eps = 1e-6;
  };
  explicit ResnetBlock(Options options);

  /// @param x               [B, in, H, W]
  /// @param activated_time  [B, time_embedding_dim], silu(time embedding), which the caller computes once for
  ///                        all blocks; undefined without a time embedding
  /// @return                [B, out, H, W]
  at::Tensor forward(const at::Tensor& x, const at::Tensor& activated_time = {}) const;

 private:
  GroupNorm norm1_;
  Conv2d conv1_;
  std::unique_ptr<Linear> time_emb_proj_;
  GroupNorm norm2_;
  Conv2d conv2_;
  std::unique_ptr<Conv2d> conv_shortcut_;  ///< only if the channel counts differ
};

/// silu(norm(x)), in place on the normalised tensor if no gradient is recorded.
at::Tensor norm_silu(const GroupNorm& norm, const at::Tensor& x);

}  // namespace ziplora
