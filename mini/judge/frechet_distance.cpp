#include "mini/judge/frechet_distance.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/matmul.h>

#include "ziplora/base/error.h"

namespace ziplora::mini {
namespace {

at::Tensor covariance(const at::Tensor& centred) {
  return at::matmul(centred.t(), centred) / static_cast<double>(centred.size(0) - 1);
}

/// Of a symmetric matrix without negative eigenvalues but for rounding.
at::Tensor square_root(const at::Tensor& matrix) {
  const auto [values, vectors] = at::linalg_eigh(matrix);
  return at::matmul(vectors * values.clamp_min(0).sqrt(), vectors.t());
}

}  // namespace

double frechet_distance(const at::Tensor& a, const at::Tensor& b) {
  if (a.size(0) < 2 || b.size(0) < 2)
    throw Error(ErrorKind::kUsage, "Fréchet distance", "a set has fewer than two features",
                "ask for more images");
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  const at::Tensor mean_x = x.mean(0), mean_y = y.mean(0);
  const at::Tensor cov_x = covariance(x - mean_x), cov_y = covariance(y - mean_y);
  // tr (Σ₁Σ₂)^½ = tr (Σ₁^½ Σ₂ Σ₁^½)^½, whose matrix is symmetric.
  const at::Tensor root_x = square_root(cov_x);
  const at::Tensor product = at::matmul(at::matmul(root_x, cov_y), root_x);
  const at::Tensor cross = at::linalg_eigvalsh((product + product.t()) / 2).clamp_min(0).sqrt().sum();
  return ((mean_x - mean_y).pow(2).sum() + cov_x.trace() + cov_y.trace() - cross * 2).item<double>();
}

}  // namespace ziplora::mini
