#pragma once
/// From argv to a finished verb: parses the flags, fills the gaps from `--config`, answers --help, --version
/// and --print-config, and runs the verb with the right progress sink.
///
///     ErrorStyle style;
///     return run_command_line(program, argc, argv, cancel, style);

#include "cli/frame/program.h"
#include "ziplora/base/cancel.h"

namespace ziplora::cli {

/// How errors are shown. Filled as soon as the flags are known, so that run_program() applies them to
/// whatever is thrown later.
struct ErrorStyle {
  bool json = false;     ///< one JSON object per error
  bool verbose = false;  ///< keep the backtrace of internal errors
  bool color = false;
};

/// @return the process's exit code
/// @throws Error, and whatever a verb throws; run_program() turns both into exit codes
int run_command_line(const Program& program, int argc, char** argv, const CancelToken& cancel,
                     ErrorStyle& style);

}  // namespace ziplora::cli
