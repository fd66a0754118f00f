#pragma once
/// A grid over two axes as runs of generate. Cells that differ in their prompt alone are one run.
///
///     request: {"options": {…}, "x": {"axis": "seed", "values": [1, 2]}, "y": {"axis": "file", "values": [3, null]}}

#include <vector>

#include "studio/job_steps.h"

namespace ziplora::studio {

/// @throws Refusal(400) for an axis without values, one that is no option of generate, or more than 400 cells; as
///         resolve_options
std::vector<JobStep> grid_steps(const JobThings& things, const Program& program, const JobPlan& job);

}  // namespace ziplora::studio
