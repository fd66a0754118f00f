#include "ziplora/merge/row_space_routing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/zeros_like.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// Below this share of the largest eigenvalue, the smallest is rounding.
constexpr double kSingular = 1e-13;

}  // namespace

at::Tensor router(const std::vector<RoutedContext>& contexts, double ridge) {
  at::Tensor asked = at::zeros_like(contexts.front().moments), all = at::zeros_like(asked);
  for (const RoutedContext& context : contexts) {
    asked += context.weight * context.shares.unsqueeze(1) * context.moments;
    all += context.weight * context.moments;
  }
  const at::Tensor identity = at::eye(all.size(0), all.options());
  // Where nothing at all came through, the plain sum stays.
  const double mean_diagonal = all.diagonal().mean().item<double>();
  if (mean_diagonal == 0) return identity;
  asked += ridge * mean_diagonal * identity;
  all += ridge * mean_diagonal * identity;
  const auto [eigenvalues, vectors] =
      at::linalg_eigh(all);  // ascending; all = vectors diag(eigenvalues) vectorsᵀ
  if (!(eigenvalues[0].item<double>() > kSingular * eigenvalues[-1].item<double>()))
    throw Error(
        ErrorKind::kNonFinite, "merge",
        "the contexts' moments are singular: fewer directions came through than the adapters have ranks",
        "try --ridge 0.01");
  return asked.matmul(vectors / eigenvalues).matmul(vectors.t());
}

}  // namespace ziplora
