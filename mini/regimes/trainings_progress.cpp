#include "mini/regimes/trainings_progress.h"

namespace ziplora::mini {
namespace {

constexpr const char* kStage = "LoRAs";

}  // namespace

TrainingsProgress::TrainingsProgress(ProgressSink& sink, int64_t total)
    : sink_(sink), total_(total), stage_(sink, kStage, total) {}

void TrainingsProgress::step_finished(const std::string& stage, int64_t step, int64_t,
                                      const Metrics& metrics) {
  if (stage == "train") sink_.step_finished(kStage, done_ + step, total_, metrics);
}

}  // namespace ziplora::mini
