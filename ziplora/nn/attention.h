#pragma once
/// Multi-head scaled-dot-product attention. With different Options it is the self- and cross-attention of the
/// UNet's transformer blocks and the single-head attention over pixels in the middle of the autoencoder.
/// Matches diffusers' Attention with AttnProcessor2_0 (names to_q, to_k, to_v, to_out.0, group_norm). Has no
/// mask, dropout or q/k norm, which SDXL does not use.
///
///     Attention cross({.query_dim = 640, .context_dim = 2048, .num_attention_heads = 10});
///     at::Tensor y = cross.forward(tokens, prompt_embeds);  // [B, T, 640]

#include <memory>

#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {

class Attention : public Module {
 public:
  struct Options {
    int64_t query_dim;                ///< width of the query tokens and of the output
    int64_t context_dim = 0;          ///< width of the key and value tokens; 0: query_dim (self-attention)
    int64_t num_attention_heads = 1;  ///< divides query_dim
    bool bias = false;                ///< of to_q, to_k and to_v; to_out.0 always has one
    int64_t norm_num_groups = 0;      ///< of the GroupNorm before attention over pixels; 0: none
    double norm_eps = 1e-6;
    bool residual = false;  ///< add the input to the output
  };
  explicit Attention(Options options);

  /// @param x        [B, T, query_dim], or [B, query_dim, H, W] (every pixel is a token)
  /// @param context  [B, S, context_dim]; undefined: x attends to itself
  /// @return         shaped as x
  at::Tensor forward(const at::Tensor& x, const at::Tensor& context = {}) const;

  const Options options;
  Linear to_q, to_k, to_v, to_out;

 private:
  std::unique_ptr<GroupNorm> group_norm_;
};

}  // namespace ziplora
