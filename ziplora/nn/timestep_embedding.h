#pragma once
/// Sinusoids of a number (a timestep, the size of an image) and the small network that turns them into an
/// embedding, as diffusers' get_timestep_embedding and TimestepEmbedding (SiLU, no condition).
///
///     at::Tensor embedding = network.forward(sinusoids(timesteps, 320, {}));  // [B, 1280]

#include "ziplora/nn/linear.h"

namespace ziplora {

struct SinusoidOptions {
  bool flip_sin_to_cos = true;  ///< cosines in the first half, sines in the second; else vice versa
  double freq_shift = 0;        ///< frequencies are 10000^(−i / (dim/2 − freq_shift))
};

/// @param values  [N], float or integer
/// @param dim     even
/// @return        [N, dim] float32
at::Tensor sinusoids(const at::Tensor& values, int64_t dim, const SinusoidOptions& options);

class TimestepEmbedding : public Module {
 public:
  TimestepEmbedding(int64_t in_features, int64_t embedding_dim);
  /// @param x  [B, in_features]
  /// @return   [B, embedding_dim]
  at::Tensor forward(const at::Tensor& x) const;

 private:
  Linear linear_1_, linear_2_;
};

}  // namespace ziplora
