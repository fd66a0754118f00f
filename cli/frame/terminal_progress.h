#pragma once
/// Progress for people, on stderr. A terminal shows one line that is redrawn with the time left; a log file
/// gets a plain line every few seconds. Stages may nest: the innermost is shown. A stage that took a second
/// or more leaves a line.
///
///     TerminalProgress progress({.color = true, .terminal = isatty(STDERR_FILENO) != 0});

#include <string>
#include <vector>

#include "ziplora/base/progress.h"

namespace ziplora::cli {

struct TerminalProgressOptions {
  bool quiet = false;  ///< warnings only
  bool color = false;
  bool terminal = false;  ///< redraw one line
};

class TerminalProgress : public ProgressSink {
 public:
  explicit TerminalProgress(TerminalProgressOptions options) : options_(options) {}
  ~TerminalProgress() override;
  void stage_started(const std::string& stage, int64_t total) override;
  void step_finished(const std::string& stage, int64_t step, int64_t total, const Metrics& metrics) override;
  void stage_finished(const std::string& stage, double seconds) override;
  void note(const std::string& text) override;
  void warning(const std::string& text) override;

 private:
  struct RunningStage {
    double started_seconds;
    int64_t first_step;  ///< −1 until the first step is reported; resumed work does not start at 0
  };
  void clear_line();

  TerminalProgressOptions options_;
  std::vector<RunningStage> stages_;
  double last_drawn_seconds_ = -1e9;
  bool line_shown_ = false;
};

/// "3 s", "2:03 min" or "1:02 h".
std::string format_duration(double seconds);

}  // namespace ziplora::cli
