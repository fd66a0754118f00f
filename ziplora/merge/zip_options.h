#pragma once
/// All options of zip, from which its parts are built. Their defaults are the paper's settings (arXiv
/// 2311.13600, section 4).
///
///     ZipOptions options = zip_options_of(resolve_options(method, {{"iterations", 50}}));

#include <vector>

#include "ziplora/merge/learned_targets.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/prompt_context.h"
#include "ziplora/merge/zip_inputs.h"
#include "ziplora/merge/zip_loop.h"
#include "ziplora/merge/zip_objective.h"

namespace ziplora {

struct ZipOptions {
  ZipLoopOptions loop = {};
  ZipObjectiveOptions objective = {};
  ZipInputOptions inputs = {};
  /// Not in the paper, whose objective says nothing of the joint prompt.
  JointOptions joint = {.weight = 0};
  /// Start from zip-solve's coefficients in place of ones.
  bool start_solved = false;
  /// Learn on this many batches in turn, and compute the targets of each once; 0: a new batch for each iteration.
  int64_t pool = 0;
  /// Of Adam on the coefficients.
  double learning_rate = 0.01;
  const LearnedTargets* targets = &learned_targets().front();
  /// Fixed draws on which fidelity is measured, before and after.
  int64_t evaluation_draws = 8;
  bool gradient_checkpointing = false;
};

/// The method's table of options, with the defaults of ZipOptions.
std::vector<MergeOption> zip_table();

/// @param values  resolved: one for each row of the table
ZipOptions zip_options_of(const nlohmann::json& values);

}  // namespace ziplora
