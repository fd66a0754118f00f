#include "cli/frame/program.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <new>
#include <nlohmann/json.hpp>

#include "cli/frame/command_line.h"
#include "cli/frame/sleeping_threads.h"
#include "ziplora/base/error.h"

namespace ziplora::cli {
namespace {

CancelToken cancel_token;

/// The first Ctrl-C asks the work to stop at its next step; the second one kills the process.
void on_interrupt(int signal_number) {
  cancel_token.cancel();
  std::signal(signal_number, SIG_DFL);
}

int report(const Error& error, const ErrorStyle& style) {
  const int code = static_cast<int>(error.kind());
  if (style.json) {
    const nlohmann::ordered_json event = {{"event", "error"},
                                          {"exit_code", code},
                                          {"where", error.where()},
                                          {"problem", error.problem()},
                                          {"hint", error.hint()}};
    std::cerr << event.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << std::endl;
    return code;
  }
  fmt::print(stderr, "{}error:{} {}\n", style.color ? "\x1b[31m" : "", style.color ? "\x1b[0m" : "",
             error.what());
  if (!error.hint().empty()) fmt::print(stderr, "hint: {}\n", error.hint());
  return code;
}

bool is_out_of_memory(const c10::Error& error) {
  return dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr ||
         std::string_view(error.what_without_backtrace()).find("can't allocate memory") !=
             std::string_view::npos;
}

int run(const Program& program, int argc, char** argv) {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
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
  std::cout.flush();
  std::fflush(nullptr);
  std::_Exit(code);
}

}  // namespace ziplora::cli
