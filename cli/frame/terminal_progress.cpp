#include "cli/frame/terminal_progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>

#include "cli/frame/printing.h"
#include "ziplora/base/utf8.h"

namespace ziplora::cli {
namespace {

constexpr double kRedrawSeconds = 0.1;     // on a terminal
constexpr double kPlainLineSeconds = 5.0;  // in a log
constexpr double kWorthTelling = 1.0;      // seconds; a shorter stage leaves no line

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

std::string format_metrics(const Metrics& metrics) {
  std::string text;
  for (const auto& [name, value] : metrics) text += fmt::format("  {} {:.4g}", name, value);
  return text;
}

/// At most `columns` bytes, cut between UTF-8 characters.
std::string fit(std::string text, size_t columns) {
  if (text.size() <= columns) return text;
  while (columns > 0 && continues_character(text[columns])) --columns;
  text.resize(columns);
  return text;
}

}  // namespace

std::string format_duration(double seconds) {
  const auto total = static_cast<int64_t>(seconds + 0.5);
  if (total < 60) return fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{}:{:02} min", total / 60, total % 60);
  return fmt::format("{}:{:02} h", total / 3600, total / 60 % 60);
}

TerminalProgress::~TerminalProgress() { clear_line(); }

void TerminalProgress::clear_line() {
  if (line_shown_) print_err({kLineStart, kEraseRest});
  line_shown_ = false;
}

void TerminalProgress::stage_started(const std::string& stage, int64_t total) {
  stages_.push_back({now_seconds(), -1});
  if (options_.quiet) return;
  if (!options_.terminal && total == 0) print_err({stage, " …\n"});
  last_drawn_seconds_ = options_.terminal ? -1e9 : now_seconds();
}

void TerminalProgress::step_finished(const std::string& stage, int64_t step, int64_t total,
                                     const Metrics& metrics) {
  if (options_.quiet || stages_.empty()) return;
  RunningStage& running = stages_.back();
  const double now = now_seconds();
  if (running.first_step < 0) running.first_step = step - 1;
  if (now - last_drawn_seconds_ < (options_.terminal ? kRedrawSeconds : kPlainLineSeconds)) return;
  last_drawn_seconds_ = now;

  std::string line =
      total > 0 ? fmt::format("{}  {}/{}", stage, step, total) : fmt::format("{}  {}", stage, step);
  const int64_t done = step - running.first_step;
  if (total > 0 && done > 0 && step < total) {
    const double left =
        (now - running.started_seconds) / static_cast<double>(done) * static_cast<double>(total - step);
    line += "  " + format_duration(left) + " left";
  }
  line += format_metrics(metrics);
  if (options_.terminal) {
    print_err({kLineStart, fit(line, terminal_columns() - 1), kEraseRest});
    line_shown_ = true;
  } else {
    print_err({line, "\n"});
  }
}

void TerminalProgress::stage_finished(const std::string& stage, double seconds) {
  if (!stages_.empty()) stages_.pop_back();
  if (options_.quiet) return;
  clear_line();
  if (seconds >= kWorthTelling) print_err({stage, "  ", format_duration(seconds), "\n"});
}

void TerminalProgress::note(const std::string& text) {
  if (options_.quiet) return;
  clear_line();
  print_err({text, "\n"});
}

void TerminalProgress::warning(const std::string& text) {
  clear_line();
  if (options_.color)
    print_err({kYellow, "warning:", kPlain, " ", text, "\n"});
  else
    print_err({"warning: ", text, "\n"});
}

}  // namespace ziplora::cli
