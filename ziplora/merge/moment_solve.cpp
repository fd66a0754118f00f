#include "ziplora/merge/moment_solve.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cholesky_solve.h>
#include <ATen/ops/linalg_cholesky_ex.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

/// Below this share of the largest pivot, the smallest is rounding.
constexpr double kSingular = 1e-13;

}  // namespace

at::Tensor divide_by_moments(const at::Tensor& asked, const at::Tensor& all) {
  const auto [factor, failed_at] = at::linalg_cholesky_ex(all);
  const at::Tensor pivots = factor.diagonal().square();
  if (failed_at.item<int>() != 0 || !(pivots.min().item<double>() > kSingular * pivots.max().item<double>()))
    throw Error(ErrorKind::kNonFinite, "merge",
                "the contexts' moments are singular: too few directions came through", "try --ridge 0.01");
  return at::cholesky_solve(asked.t(), factor).t();
}

}  // namespace ziplora
