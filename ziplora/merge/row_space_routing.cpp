#include "ziplora/merge/row_space_routing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve_ex.h>
#include <ATen/ops/zeros_like.h>

#include "ziplora/base/error.h"

namespace ziplora {

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
  // R all = asked, and `all` is symmetric.
  const auto [transposed, failed] = at::linalg_solve_ex(all, asked.t());
  if (failed.item<int>() != 0 || !transposed.isfinite().all().item<bool>())
    throw Error(
        ErrorKind::kNonFinite, "merge",
        "the contexts' moments are singular: fewer directions came through than the adapters have ranks",
        "try --ridge 0.01");
  return transposed.t();
}

}  // namespace ziplora
