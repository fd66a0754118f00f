#pragma once
/// From argv to a finished verb: parses, resolves `--config` under the flags, answers --help, --version and
/// --print-config, and runs the verb with the progress sink that was asked for.
///
///     return run_command_line(argc, argv, cancel, settings);   // throws what main() turns into an exit code

#include "ziplora/base/cancel.h"

namespace ziplora::cli {

/// How errors are shown; filled as soon as the flags are known, so that main() honours them for what is
/// thrown later.
struct ErrorStyle {
  bool json = false;     ///< one JSON object per error
  bool verbose = false;  ///< keep the backtrace of internal errors
  bool color = false;
};

/// @return the process's exit code
int run_command_line(int argc, char** argv, const CancelToken& cancel, ErrorStyle& style);

}  // namespace ziplora::cli
