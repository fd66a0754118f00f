#pragma once
/// From argv to a finished verb: parses, resolves `--config` under the flags, answers --help, --version and
/// --print-config, and runs the verb with the progress sink that was asked for.
///
///     return run_command_line(program, argc, argv, cancel, style);   // throws what run_program() turns into an exit code

#include "cli/frame/program.h"
#include "ziplora/base/cancel.h"

namespace ziplora::cli {

/// How errors are shown; filled as soon as the flags are known, so that run_program() honours them for what is
/// thrown later.
struct ErrorStyle {
  bool json = false;     ///< one JSON object per error
  bool verbose = false;  ///< keep the backtrace of internal errors
  bool color = false;
};

/// @return the process's exit code
int run_command_line(const Program& program, int argc, char** argv, const CancelToken& cancel,
                     ErrorStyle& style);

}  // namespace ziplora::cli
