#include "cli/frame/json_progress.h"

#include <iostream>
#include <nlohmann/json.hpp>

namespace ziplora::cli {
namespace {

// Names and paths may contain bytes that are not UTF-8; a replaced character beats a lost event.
void print_event(const nlohmann::ordered_json& event) {
  std::cerr << event.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << std::endl;
}

}  // namespace

void JsonProgress::stage_started(const std::string& stage, int64_t total) {
  if (!quiet_) print_event({{"event", "stage_started"}, {"stage", stage}, {"total", total}});
}

void JsonProgress::step_finished(const std::string& stage, int64_t step, int64_t total,
                                 const Metrics& metrics) {
  if (quiet_) return;
  nlohmann::ordered_json values = nlohmann::ordered_json::object();
  for (const auto& [name, value] : metrics) values[name] = value;
  print_event({{"event", "step"}, {"stage", stage}, {"step", step}, {"total", total}, {"metrics", values}});
}

void JsonProgress::stage_finished(const std::string& stage, double seconds) {
  if (!quiet_) print_event({{"event", "stage_finished"}, {"stage", stage}, {"seconds", seconds}});
}

void JsonProgress::note(const std::string& text) {
  if (!quiet_) print_event({{"event", "note"}, {"text", text}});
}

void JsonProgress::warning(const std::string& text) { print_event({{"event", "warning"}, {"text", text}}); }

}  // namespace ziplora::cli
