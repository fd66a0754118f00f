#include "cli/frame/program.h"

#include <c10/util/Exception.h>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>

#include "cli/frame/command_line.h"
#include "cli/frame/error_kind_name.h"
#include "cli/frame/printing.h"
#include "cli/frame/sleeping_threads.h"
#include "ziplora/base/error.h"

namespace ziplora::cli {
namespace {

CancelToken cancel_token;

/// The first Ctrl-C asks the work to stop at its next step; the second one kills the process. A terminal that
/// closes may send SIGHUP twice, from the shell and from the system, and nobody means the second.
void on_interrupt(int signal_number) {
  cancel_token.cancel();
  if (signal_number != SIGHUP) std::signal(signal_number, SIG_DFL);
}

/// nohup and shells that start work in the background have signals ignored, and they stay so.
void handle_unless_ignored(int signal_number) {
  if (std::signal(signal_number, on_interrupt) == SIG_IGN) std::signal(signal_number, SIG_IGN);
}

void prepare_process() {
  occupy_closed_standard_files();
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP}) handle_unless_ignored(signal_number);
  // A write that hits the limit of `ulimit -f`, or a pipe that nobody reads, is an error and not our end.
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
}

int report(const Error& error, const ErrorStyle& style) {
  const int code = static_cast<int>(error.kind());
  if (style.json) {
    print_err_json({{"event", "error"},
                    {"exit_code", code},
                    {"kind", error_kind_name(error.kind())},
                    {"where", error.where()},
                    {"problem", error.problem()},
                    {"hint", error.hint()}});
    return code;
  }
  if (style.color)
    print_err({kRed, "error:", kPlain, " ", error.what(), "\n"});
  else
    print_err({"error: ", error.what(), "\n"});
  if (!error.hint().empty()) print_err({"hint: ", error.hint(), "\n"});
  return code;
}

bool is_out_of_memory(const c10::Error& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string_view(error.what_without_backtrace()).find("can't allocate memory") !=
             std::string_view::npos;
}

int run(const Program& program, int argc, char** argv) {
  prepare_process();
  ErrorStyle style;
  const char* const smaller = "use smaller images, a smaller batch or a smaller dtype";
  try {
    return run_command_line(program, argc, argv, cancel_token, style);
  } catch (const Error& error) {
    return report(error, style);
  } catch (const c10::Error& error) {
    const std::string text = style.verbose ? error.what() : error.what_without_backtrace();
    if (is_out_of_memory(error)) return report(Error(ErrorKind::kExhausted, "memory", text, smaller), style);
    return report(
        Error(ErrorKind::kInternal, "internal error", text, "run it again with --verbose and report it"),
        style);
  } catch (const std::filesystem::filesystem_error& error) {
    // Whatever the file system refuses without an earlier check: a name that is too long, a circle of links,
    // a folder without permission.
    const bool full = error.code() == std::errc::no_space_on_device;
    return report(Error(full ? ErrorKind::kExhausted : ErrorKind::kFailed, error.path1().string(),
                        error.code().message(),
                        full ? "make room, or write to another disk" : "check the path and its permissions"),
                  style);
  } catch (const nlohmann::json::exception& error) {
    // Only JSON that others wrote holds a text where a number belongs.
    return report(Error(ErrorKind::kInput, "read JSON", error.what(),
                        "compare the JSON files and metadata among the inputs with those of a sound model"),
                  style);
  } catch (const std::bad_alloc&) {
    return report(Error(ErrorKind::kExhausted, "memory", "no memory is left", smaller), style);
  } catch (const std::exception& error) {
    return report(Error(ErrorKind::kInternal, "internal error", error.what(), "please report it"), style);
  }
}

}  // namespace

int run_program(const Program& program, int argc, char** argv) {
  // The call links in what has run by now. Where it failed, threads spin, which costs time alone.
  static_cast<void>(threads_sleep_while_they_wait());
  const int code = run(program, argc, argv);
  // Not by return: LibTorch's static destructors take a tenth of a second to free what ends with the process.
  std::_Exit(code);
}

}  // namespace ziplora::cli
