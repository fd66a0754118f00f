#pragma once
/// Progress for programs: one JSON object per line on stderr, so that stdout holds only the result.
///
///     {"event":"step","stage":"denoise","step":3,"total":25,"metrics":{}}

#include "ziplora/base/progress.h"

namespace ziplora::cli {

class JsonProgress : public ProgressSink {
 public:
  /// @param quiet  print warnings only
  explicit JsonProgress(bool quiet) : quiet_(quiet) {}
  void stage_started(const std::string& stage, int64_t total) override;
  void step_finished(const std::string& stage, int64_t step, int64_t total, const Metrics& metrics) override;
  void stage_finished(const std::string& stage, double seconds) override;
  void note(const std::string& text) override;
  void warning(const std::string& text) override;

 private:
  bool quiet_;
};

}  // namespace ziplora::cli
