#include "ziplora/nn/timestep_embedding.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/silu.h>

#include <cmath>

namespace ziplora {

at::Tensor sinusoids(const at::Tensor& values, int64_t dim, const SinusoidOptions& options) {
  constexpr double kMaxPeriod = 10000;
  const int64_t half = dim / 2;
  const at::Tensor exponent = at::arange(half, values.options().dtype(at::kFloat)) * (-std::log(kMaxPeriod)) /
                              (half - options.freq_shift);
  const at::Tensor angle = values.to(at::kFloat).unsqueeze(1) * exponent.exp();  // [N, dim/2]
  return options.flip_sin_to_cos ? at::cat({angle.cos(), angle.sin()}, 1)
                                 : at::cat({angle.sin(), angle.cos()}, 1);
}

TimestepEmbedding::TimestepEmbedding(int64_t in_features, int64_t embedding_dim)
    : linear_1_(in_features, embedding_dim), linear_2_(embedding_dim, embedding_dim) {
  register_module("linear_1", linear_1_);
  register_module("linear_2", linear_2_);
}

at::Tensor TimestepEmbedding::forward(const at::Tensor& x) const {
  return linear_2_.forward(at::silu(linear_1_.forward(x)));
}

}  // namespace ziplora
