#pragma once
/// A comparison of merges on files of the library: the images that subjects and styles are compared with, drawn by each LoRA
/// alone where none are given, then `evaluate` itself on a manifest of them.

#include <vector>

#include "studio/job_steps.h"

namespace ziplora::studio {

/// @param job  its request has "manifest": as docs/evaluate.md describes it, with {"adapter": id, "images": [ids]} in place of
///             files; a concept without a prompt takes the file's trigger words
/// @throws Refusal(400) for a manifest of another shape, Refusal(404, 410) for things that are not there
std::vector<JobStep> evaluate_steps(const JobThings& things, const Program& program, const JobPlan& job);

}  // namespace ziplora::studio
