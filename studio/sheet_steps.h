#pragma once
/// A merged file beside the direct merge of the same files: the same prompts and seeds drawn by both, when a merge is done.
///
///     request: {"of": job, "merged": adapter id, "options": {the merge's}, "prompts": […], "seed": 0}

#include <vector>

#include "studio/job_steps.h"

namespace ziplora::studio {

std::vector<JobStep> sheet_steps(const JobThings& things, const Program& program, const JobPlan& job);

}  // namespace ziplora::studio
