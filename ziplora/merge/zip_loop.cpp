#include "ziplora/merge/zip_loop.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

void require_finite(const ZipLosses& losses, int64_t iteration) {
  if (std::isfinite(losses.total)) return;
  throw Error(
      ErrorKind::kNonFinite, "merge: zip",
      fmt::format("iteration {}: the fidelity losses are {}, the overlap is {}; all must be finite",
                  iteration + 1, fmt::join(losses.fidelity, ", "), losses.overlap),
      "if the first iterations were finite, try a lower --learning-rate; a base or adapter that overflows in "
      "float16 needs --dtype bfloat16 or float32");
}

/// The losses and, in place, the gradients of the whole batch. The overlap depends on no row.
ZipLosses of_all(ZipLosses losses, const Adam& optimizer, Team& team) {
  if (team.is_alone()) return losses;
  at::Tensor means = at::tensor(losses.fidelity, at::kDouble);
  at::Tensor total = at::full({1}, losses.total, at::kDouble);
  std::vector<at::Tensor> shared = optimizer.gradients();
  shared.insert(shared.end(), {means, total});
  team.average(shared);
  losses.fidelity.assign(means.data_ptr<double>(), means.data_ptr<double>() + means.numel());
  losses.total = total.item<double>();
  return losses;
}

}  // namespace

void learn_coefficients(ZipObjective& objective, Adam& optimizer,
                        const std::function<ZipBatch(int64_t)>& draw, double overlap_at_start,
                        const ZipLoopOptions& options,
                        const std::function<bool(int64_t, const ZipLosses&)>& finished, Team& team) {
  for (int64_t iteration = optimizer.step_count(); iteration < options.iterations; ++iteration) {
    const ZipLosses losses = of_all(objective.backward(draw(iteration)), optimizer, team);
    require_finite(losses, iteration);
    // Without any overlap at the start, as of adapters that share no layer, only the iterations end the
    // learning.
    if (overlap_at_start > 0 && losses.overlap <= options.stop_overlap * overlap_at_start) return;
    optimizer.step();
    if (!finished(iteration, losses)) return;
  }
}

}  // namespace ziplora
