#include "cli/frame/json_progress.h"

#include <nlohmann/json.hpp>

#include "cli/frame/printing.h"

namespace ziplora::cli {

void JsonProgress::stage_started(const std::string& stage, int64_t total) {
  if (!quiet_) print_err_json({{"event", "stage_started"}, {"stage", stage}, {"total", total}});
}

void JsonProgress::step_finished(const std::string& stage, int64_t step, int64_t total,
                                 const Metrics& metrics) {
  if (quiet_) return;
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  for (const auto& [name, value] : metrics) values[name] = value;
  print_err_json(
      {{"event", "step"}, {"stage", stage}, {"step", step}, {"total", total}, {"metrics", values}});
}

void JsonProgress::stage_finished(const std::string& stage, double seconds) {
  if (!quiet_) print_err_json({{"event", "stage_finished"}, {"stage", stage}, {"seconds", seconds}});
}

void JsonProgress::note(const std::string& text) {
  if (!quiet_) print_err_json({{"event", "note"}, {"text", text}});
}

void JsonProgress::warning(const std::string& text) {
  print_err_json({{"event", "warning"}, {"text", text}});
}

}  // namespace ziplora::cli
