#pragma once
/// The verbs of `ziplora-mini`, in the order of its help.

#include "cli/frame/command.h"

namespace ziplora::mini::cli {

using ziplora::cli::Command;
using ziplora::cli::CommandContext;
using ziplora::cli::example;
using ziplora::cli::Verb;

const std::vector<Command>& commands();

Verb world_command(CLI::App& app);
Verb pretrain_command(CLI::App& app);
Verb report_command(CLI::App& app);
Verb regimes_command(CLI::App& app);

}  // namespace ziplora::mini::cli
