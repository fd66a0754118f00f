#pragma once
/// One verb of the command line. To add a verb:
///   1. cli/cmd_<verb>.cpp: an Options struct (the only home of its defaults), its flags, and a closure that
///   makes
///      a request of app/, runs it and prints its result through the context;
///   2. its declaration below, one line in commands.cpp, one line in cli/CMakeLists.txt.
/// The frame adds --json, --quiet, --verbose, --color, --config, --print-config and the EXIT STATUS
/// paragraph.
///
///     Run merge_command(CLI::App& app) {
///       auto options = std::make_shared<MergeOptions>();
///       app.add_option("--rank", options->rank, "rank of the merged file");   // the default shows in the
///       help app.footer(example("ziplora merge --subject dog.safetensors --style ink.safetensors -o
///       out.safetensors")); return [options](CommandContext& context) { context.print_result(run_merge(…),
///       "text for people"); };
///     }

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora::cli {

/// What a verb needs from the process. stdout is for the result, everything else goes to `progress` (stderr).
struct CommandContext {
  ProgressSink& progress;
  const CancelToken& cancel;
  bool json;              ///< --json: one machine-readable result on stdout
  nlohmann::json config;  ///< the resolved options, for run folders and for files that carry their settings
  std::string report;     ///< --report: a file that gets the machine-readable result too; empty: none

  /// Prints `result` with --json, else `text`; writes `result` to the report file.
  void print_result(const nlohmann::json& result, const std::string& text) const;
};

using Run = std::function<void(CommandContext&)>;

struct Command {
  const char* name;
  const char* summary;
  Run (*add)(CLI::App& app);  ///< adds the flags; the closure runs after parsing
};

/// In the order of the help.
const std::vector<Command>& commands();

/// The help's closing paragraph: one example line.
std::string example(const std::string& command_line);

Run train_command(CLI::App& app);
Run merge_command(CLI::App& app);
Run generate_command(CLI::App& app);
Run inspect_command(CLI::App& app);
Run convert_command(CLI::App& app);
Run world_command(CLI::App& app);
Run pretrain_command(CLI::App& app);
Run base_report_command(CLI::App& app);

}  // namespace ziplora::cli
