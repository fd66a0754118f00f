#include "ziplora/merge/zip_loop.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

void require_finite(const ZipLosses& losses, int64_t iteration) {
  if (std::isfinite(losses.total)) return;
  throw Error(ErrorKind::kNonFinite, "merge: zip",
              fmt::format("iteration {}: the fidelity losses are {}, the overlap is {}; all must be finite",
                          iteration + 1, fmt::join(losses.fidelity, ", "), losses.overlap),
              "a base or adapter that overflows in float16 needs --dtype bfloat16 or float32; a lower "
              "--learning-rate helps if the first iterations were finite");
}

}  // namespace

void learn_coefficients(ZipObjective& objective, Adam& optimizer,
                        const std::function<ZipBatch(int64_t)>& draw, double overlap_at_start,
                        const ZipLoopOptions& options,
                        const std::function<bool(int64_t, const ZipLosses&)>& finished) {
  for (int64_t iteration = optimizer.step_count(); iteration < options.iterations; ++iteration) {
    const ZipLosses losses = objective.backward(draw(iteration));
    require_finite(losses, iteration);
    // A single adapter, or adapters without a common layer, start without overlap and stop by iterations
    // alone.
    if (overlap_at_start > 0 && losses.overlap <= options.stop_overlap * overlap_at_start) return;
    optimizer.step();
    if (!finished(iteration, losses)) return;
  }
}

}  // namespace ziplora
