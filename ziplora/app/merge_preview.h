#pragma once
/// What a merge would do, without doing it: everything is checked and read that a merge checks and reads before it loads the
/// base.
///
///     const nlohmann::ordered_json preview = preview_merge(request, progress);
///     preview["layers"]["learned"];

#include <nlohmann/json.hpp>

#include "ziplora/app/merge.h"

namespace ziplora {

/// method, options, needs_base, architecture; of each input file, role, strength, prompts, layers, rank, and how many of its layers
/// no other has; joint_prompts, also where the method makes no use of them; layers: how many are learned (the method decides them on the base) and how many are added (by
/// their factors alone), and `each` of them by name.
/// @throws as run_merge
nlohmann::ordered_json preview_merge(const MergeRequest& request, ProgressSink& progress);

}  // namespace ziplora
