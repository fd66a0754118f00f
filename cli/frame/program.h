#pragma once
/// A whole program from a table of verbs, with its signals and exit codes.
///
///     int main(int argc, char** argv) {
///       return ziplora::cli::run_program({"ziplora", "any subject in any style", commands()}, argc, argv);
///     }

#include <vector>

#include "cli/frame/command.h"

namespace ziplora::cli {

struct Program {
  const char* name;     ///< as it is typed
  const char* summary;  ///< one line, above the list of verbs
  const std::vector<Command>& commands;
  std::vector<AbsentCommand> absent = {};
};

/// Parses the command line, runs the verb, reports its error, if any, on stderr, and ends the process with its
/// exit code.
[[noreturn]] int run_program(const Program& program, int argc, char** argv);

}  // namespace ziplora::cli
