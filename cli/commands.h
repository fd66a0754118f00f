#pragma once
/// The verbs of `ziplora`, in the order of its help.

#include "cli/frame/command.h"

namespace ziplora::cli {

const std::vector<Command>& commands();
/// Those that this build was made without.
std::vector<AbsentCommand> absent_commands();

Verb train_command(CLI::App& app);
Verb merge_command(CLI::App& app);
Verb generate_command(CLI::App& app);
Verb evaluate_command(CLI::App& app);
Verb inspect_command(CLI::App& app);
Verb analyze_command(CLI::App& app);
Verb convert_command(CLI::App& app);
#ifdef ZIPLORA_STUDIO
Verb studio_command(CLI::App& app);
#endif

}  // namespace ziplora::cli
