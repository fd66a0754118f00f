#pragma once
/// The work of a verb that several processes may share, as mpirun starts them.
///
///     in_team(context, "merge", [&](Team& team, ProgressSink& progress) { … });

#include <functional>
#include <string>

#include "cli/frame/command.h"
#include "ziplora/team/team.h"

namespace ziplora::cli {

/// The leader alone shows progress. Of an error, whoever fails tells the others; one process says it, and the leader how
/// to go on.
/// @throws as join_team, and what `work` throws
void in_team(CommandContext& context, const std::string& where,
             const std::function<void(Team&, ProgressSink&)>& work);

}  // namespace ziplora::cli
