#pragma once
/// Progress for people, on stderr. On a terminal one line is redrawn with an ETA; elsewhere (a log file, CI)
/// a plain line appears every few seconds. Stages may nest: the innermost is shown. One that took a second or
/// more leaves a line.
///
///     TerminalProgress progress({.quiet = false, .color = true, .terminal = isatty(2)});

#include <string>
#include <vector>

#include "ziplora/base/progress.h"

namespace ziplora::cli {

struct TerminalProgressOptions {
  bool quiet = false;  ///< warnings only
  bool color = false;
  bool terminal = false;  ///< stderr is a terminal: redraw one line
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
    int64_t first_step;  ///< −1 until the first step is reported: resumed work starts late
  };
  void clear_line();

  TerminalProgressOptions options_;
  std::vector<RunningStage> stages_;
  double last_drawn_seconds_ = -1e9;
  bool line_shown_ = false;
};

/// "1:02:03", "2:03" or "3 s".
std::string format_duration(double seconds);

}  // namespace ziplora::cli
