#include "ziplora/merge/row_space_routing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/zeros_like.h>

#include "ziplora/merge/moment_solve.h"

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
  return divide_by_moments(asked, all);
}

}  // namespace ziplora
