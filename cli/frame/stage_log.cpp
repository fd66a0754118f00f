#include "cli/frame/stage_log.h"

#include <algorithm>

#include "ziplora/base/peak_memory.h"

namespace ziplora::cli {

void StageLog::stage_started(const std::string& stage, int64_t total) {
  record_of(stage);
  sink_.stage_started(stage, total);
}

void StageLog::step_finished(const std::string& stage, int64_t step, int64_t total, const Metrics& metrics) {
  sink_.step_finished(stage, step, total, metrics);
}

void StageLog::stage_finished(const std::string& stage, double seconds) {
  Record& record = record_of(stage);
  ++record.times;
  record.seconds += seconds;
  record.peak_memory_bytes = peak_memory_bytes();
  sink_.stage_finished(stage, seconds);
}

StageLog::Record& StageLog::record_of(const std::string& stage) {
  const auto found = std::ranges::find(records_, stage, &Record::stage);
  return found != records_.end() ? *found : records_.emplace_back(Record{.stage = stage});
}

nlohmann::json StageLog::to_json() const {
  nlohmann::json stages = nlohmann::json::array();
  for (const Record& record : records_)
    stages.push_back({{"stage", record.stage},
                      {"times", record.times},
                      {"seconds", record.seconds},
                      {"peak_memory_bytes", record.peak_memory_bytes}});
  return stages;
}

}  // namespace ziplora::cli
