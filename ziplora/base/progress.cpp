#include "ziplora/base/progress.h"

#include <chrono>

namespace ziplora {
namespace {
int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }
}  // namespace

Stage::Stage(ProgressSink& sink, std::string name, int64_t total, int64_t first_step)
    : sink_(sink), name_(std::move(name)), total_(total), step_(first_step), start_ns_(now_ns()) {
  sink_.stage_started(name_, total_);
}

Stage::~Stage() { sink_.stage_finished(name_, seconds()); }

void Stage::step(const Metrics& metrics) { sink_.step_finished(name_, ++step_, total_, metrics); }

double Stage::seconds() const { return static_cast<double>(now_ns() - start_ns_) * 1e-9; }

}  // namespace ziplora
