#include "ziplora/merge/zip_loop.h"

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

}  // namespace

void learn_coefficients(ZipObjective& objective, Adam& optimizer,
                        const std::function<ZipBatch(int64_t)>& draw, double overlap_at_start,
                        const ZipLoopOptions& options,
                        const std::function<bool(int64_t, const ZipLosses&)>& finished) {
  for (int64_t iteration = optimizer.step_count(); iteration < options.iterations; ++iteration) {
    const ZipLosses losses = objective.backward(draw(iteration));
    require_finite(losses, iteration);
    // Without any overlap at the start, as of adapters that share no layer, only the iterations end the
    // learning.
    if (overlap_at_start > 0 && losses.overlap <= options.stop_overlap * overlap_at_start) return;
    optimizer.step();
    if (!finished(iteration, losses)) return;
  }
}

}  // namespace ziplora
