#pragma once
/// How long work reports to its caller. The library never prints: it calls a ProgressSink. The command line
/// has one that draws a line with the time left and one that writes a JSON object per event; tests pass
/// NullProgress.
///
///     Stage stage(progress, "zip", 100);
///     for (…) stage.step({{"loss", loss}, {"overlap", overlap}});

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ziplora {

using Metrics = std::vector<std::pair<std::string, double>>;

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// @param total  number of steps, or 0 if unknown
  virtual void stage_started(const std::string& stage, int64_t total) = 0;
  virtual void step_finished(const std::string& stage, int64_t step, int64_t total,
                             const Metrics& metrics) = 0;
  virtual void stage_finished(const std::string& stage, double seconds) = 0;
  /// A fact that deserves its own line (“12 layers are added directly”).
  virtual void note(const std::string& text) = 0;
  /// Something the user should know that did not stop the work.
  virtual void warning(const std::string& text) = 0;
};

class NullProgress : public ProgressSink {
 public:
  void stage_started(const std::string&, int64_t) override {}
  void step_finished(const std::string&, int64_t, int64_t, const Metrics&) override {}
  void stage_finished(const std::string&, double) override {}
  void note(const std::string&) override {}
  void warning(const std::string&) override {}
};

/// Reports one stage from construction to destruction.
class Stage {
 public:
  /// @param first_step  steps already done, if work is resumed
  Stage(ProgressSink& sink, std::string name, int64_t total, int64_t first_step = 0);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  void step(const Metrics& metrics = {});
  double seconds() const;

 private:
  ProgressSink& sink_;
  std::string name_;
  int64_t total_, step_;
  int64_t start_ns_;
};

}  // namespace ziplora
