#pragma once
/// One verb of a command line. To add a verb:
///   1. Write cli/cmd_<verb>.cpp: flags bound to the fields of a request of app/, which alone holds their
///      defaults, and a closure that runs the request and prints its result through the context.
///   2. Add a line to commands.cpp and one to cli/CMakeLists.txt.
/// The frame adds --json, --report, --quiet, --verbose, --color, --config, --print-config and the EXIT STATUS
/// paragraph.
///
///     Verb inspect_command(CLI::App& app) {
///       auto request = std::make_shared<InspectRequest>();
///       app.add_option("files", request->files, "Read these LoRA files");
///       app.footer(example("ziplora inspect dog.safetensors"));
///       return {[request](CommandContext& context) {
///         const InspectResult result = run_inspect(*request, context.progress, context.cancel);
///         context.print_result(to_json(result), inspect_table(result));
///       }};
///     }

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/frame/stage_log.h"
#include "ziplora/base/cancel.h"

namespace ziplora::cli {

/// What a verb needs from the process. stdout is for the result; everything else goes to `progress` (stderr).
struct CommandContext {
  StageLog& progress;
  const CancelToken& cancel;
  /// --json: print one machine-readable result on stdout.
  bool json;
  /// The resolved options, for run folders and for files that carry their settings.
  nlohmann::json config;
  /// --report: a file that gets the machine-readable result too; empty: none.
  std::string report;

  /// Prints `result` with --json, else `text`; writes `result` to the report file. The stages of the work join it.
  void print_result(const nlohmann::json& result, const std::string& text) const;
};

/// Settings from a source besides the command line; flags and --config win over them.
struct FurtherSettings {
  nlohmann::json values;  ///< by the long names of the flags
  std::string where;      ///< opens the error messages
};

/// What a verb does once its flags are parsed.
struct Verb {
  std::function<void(CommandContext&)> run;
  /// Called before `run`; may be empty.
  std::function<std::optional<FurtherSettings>()> further_settings = {};
  /// What --print-flags tells beside the flags, such as the rows of a table whose options are flags; null: nothing.
  nlohmann::ordered_json (*rows)() = nullptr;
};

struct Command {
  const char* name;
  const char* summary;  ///< begins with a verb
  Verb (*add)(CLI::App& app);
  /// Runs until it is stopped, so it is no function for other programs: --print-flags leaves it out.
  bool serves = false;
};

/// A verb that this build was made without.
struct AbsentCommand {
  const char* name;
  const char* hint;
};

/// The help's closing paragraph: one example line.
std::string example(const std::string& command_line);

}  // namespace ziplora::cli
