#pragma once
/// Many trainings as one stage whose steps are the iterations of all, so that the time left is that of the whole.
///
///     TrainingsProgress all(progress, iterations_of_all);
///     for (…) {
///       run_train(request, all, cancel);
///       all.add_done(iterations);
///     }

#include "ziplora/base/progress.h"

namespace ziplora::mini {

class TrainingsProgress : public ProgressSink {
 public:
  /// @param sink   outlives this
  /// @param total  iterations of all trainings
  TrainingsProgress(ProgressSink& sink, int64_t total);

  /// The next training's iterations come after these.
  void add_done(int64_t iterations) { done_ += iterations; }

  /// Only the steps of "train" count; a resumed one's first are taken as done.
  void step_finished(const std::string& stage, int64_t step, int64_t total, const Metrics& metrics) override;
  void stage_started(const std::string&, int64_t) override {}
  void stage_finished(const std::string&, double) override {}
  void note(const std::string& text) override { sink_.note(text); }
  void warning(const std::string& text) override { sink_.warning(text); }

 private:
  ProgressSink& sink_;
  const int64_t total_;
  int64_t done_ = 0;
  const Stage stage_;
};

}  // namespace ziplora::mini
