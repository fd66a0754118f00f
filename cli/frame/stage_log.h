#pragma once
/// Passes progress on, and keeps of each stage how long it took and the process's peak of memory at its end: "stages" of
/// the JSON result. A peak that a stage did not raise is an earlier stage's.
///
///     StageLog log(progress);
///     run_merge(request, log, cancel);
///     result["stages"] = log.to_json();

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/base/progress.h"

namespace ziplora::cli {

class StageLog : public ProgressSink {
 public:
  explicit StageLog(ProgressSink& sink) : sink_(sink) {}

  void stage_started(const std::string& stage, int64_t total) override;
  void step_finished(const std::string& stage, int64_t step, int64_t total, const Metrics& metrics) override;
  void stage_finished(const std::string& stage, double seconds) override;
  void note(const std::string& text) override { sink_.note(text); }
  void warning(const std::string& text) override { sink_.warning(text); }

  /// [{"stage": "load", "times": 1, "seconds": …, "peak_memory_bytes": …}, …] in the order in which they began first;
  /// a stage that ran several times has the sum of its seconds.
  nlohmann::json to_json() const;

 private:
  struct Record {
    std::string stage;
    int64_t times = 0;
    double seconds = 0;
    int64_t peak_memory_bytes = 0;
  };
  Record& record_of(const std::string& stage);

  ProgressSink& sink_;
  std::vector<Record> records_;
};

}  // namespace ziplora::cli
