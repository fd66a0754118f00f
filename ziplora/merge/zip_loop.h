#pragma once
/// The optimization of zip: Adam on the merger coefficients until the iterations are done or the overlap is
/// gone.
///
///     Adam optimizer({coefficients.values}, {.lr = 0.01});
///     learn_coefficients(objective, optimizer, draw, overlap_at_start, {.iterations = 100},
///                        [&](int64_t iteration, const ZipLosses& losses) { … return true; });
///
/// Source: arXiv 2311.13600, section 4 and the appendix of v2: Adam, lr 0.01, at most 100 iterations, stop
/// when the overlap term reaches 0. Leaves out where batches come from (zip_inputs.h) and what is reported
/// (zip.cpp).

#include <functional>

#include "ziplora/merge/zip_objective.h"
#include "ziplora/optim/adam.h"
#include "ziplora/team/team.h"

namespace ziplora {

struct ZipLoopOptions {
  int64_t iterations = 100;
  /// Learning stops when the overlap has fallen to this fraction of its start.
  double stop_overlap = 0.0;
};

/// Continues at `optimizer.step_count()`, so a restored optimizer resumes.
/// @param draw      iteration → batch; resuming is exact only if the batch depends on nothing but the
///                  iteration
/// @param finished  called after each update with the losses before it; returning false ends the loop early
/// A team learns on the mean of its processes' gradients: that of the batch whose rows they share.
/// @throws Error(kNonFinite) if a loss is NaN or Inf; the coefficients then hold the last finite update
void learn_coefficients(ZipObjective& objective, Adam& optimizer,
                        const std::function<ZipBatch(int64_t)>& draw, double overlap_at_start,
                        const ZipLoopOptions& options,
                        const std::function<bool(int64_t iteration, const ZipLosses&)>& finished,
                        Team& team = nobody_else());

}  // namespace ziplora
