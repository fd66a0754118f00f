#include "ziplora/merge/input_routing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros_like.h>

#include "ziplora/merge/moment_solve.h"

namespace ziplora {

at::Tensor routed_downs(const at::Tensor& down, const std::vector<RoutedContext>& contexts, double ridge) {
  at::Tensor asked = at::zeros_like(down), all = at::zeros_like(contexts.front().moments);
  for (const RoutedContext& context : contexts) {
    asked += context.weight * context.shares.unsqueeze(1) * down.matmul(context.moments);
    all += context.weight * context.moments;
  }
  // Where nothing at all came through, the plain sum stays.
  const double held = ridge * all.diagonal().mean().item<double>();
  if (all.diagonal().max().item<double>() == 0) return down;
  asked += held * down;
  all.diagonal() += held;
  return divide_by_moments(asked, all);
}

}  // namespace ziplora
