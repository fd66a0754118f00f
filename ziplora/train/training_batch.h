#pragma once
/// One forward pass's worth of training: what goes into the UNet and what should come out. Where batches come
/// from (the latent cache, a file of a test) is not its business.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace ziplora {

/// The first `instance_rows` rows show what is to be learned; the others, if any, show its class (prior
/// preservation).
struct TrainingBatch {
  at::Tensor latents;               ///< [B, C, h, w] float32, times scaling_factor
  at::Tensor noise;                 ///< [B, C, h, w] float32, noise offset already added
  at::Tensor timesteps;             ///< [B] int64
  at::Tensor prompt_embeds;         ///< [B, T, hidden]
  at::Tensor pooled_prompt_embeds;  ///< [B, pooled width]
  at::Tensor time_ids;              ///< [B, 6] float32
  int64_t instance_rows = 0;
};

/// The n-th batch of a run, n = iteration × gradient_accumulation + i. A pure function of n, so that a
/// resumed run sees what an uninterrupted one would have seen.
using BatchSource = std::function<TrainingBatch(int64_t n)>;

}  // namespace ziplora
