#pragma once
/// The verbs of `ziplora`, in the order of its help.

#include "cli/frame/command.h"

namespace ziplora::cli {

const std::vector<Command>& commands();

Verb train_command(CLI::App& app);
Verb merge_command(CLI::App& app);
Verb generate_command(CLI::App& app);
Verb evaluate_command(CLI::App& app);
Verb inspect_command(CLI::App& app);
Verb analyze_command(CLI::App& app);
Verb convert_command(CLI::App& app);

}  // namespace ziplora::cli
