#pragma once
/// One forward pass of training: what goes into the UNet, and the noise that it should predict. Where batches
/// come from (the latent cache, a test's file) does not matter here.

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "ziplora/team/team.h"

namespace ziplora {

/// The first `instance_rows` rows show what is to be learned. The others, if any, show its class (prior
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

/// The rows of one process of a team: its share of the instance rows, and of the others.
/// @param batch  of all processes together; both numbers of rows are multiples of theirs (require_shares)
TrainingBatch rows_of_process(const TrainingBatch& batch, const Team& team);

/// The n-th batch of a run, n = iteration × gradient_accumulation + i. A pure function of n, so that a
/// resumed run sees what an uninterrupted one would have seen.
using BatchSource = std::function<TrainingBatch(int64_t n)>;

}  // namespace ziplora
