#pragma once
/// Tells a long run when to save its state: every so many minutes, and never so often that saving takes more
/// than a fiftieth of the time.
///
///     SaveClock clock(5);
///     for (…) if (clock.is_due()) clock.save([&] { write_checkpoint(path, state); });

#include <algorithm>
#include <chrono>
#include <functional>

namespace ziplora {

class SaveClock {
 public:
  using Seconds = std::function<double()>;

  /// @param minutes  0: never
  /// @param now      steady
  explicit SaveClock(double minutes, Seconds now = steady_seconds)
      : interval_(minutes * 60), now_(std::move(now)), due_(now_() + interval_) {}

  bool is_due() const { return interval_ > 0 && now_() >= due_; }

  /// Calls `write`, and waits the longer the longer that took.
  void save(const std::function<void()>& write) {
    const double begun = now_();
    write();
    const double done = now_();
    due_ = done + std::max(interval_, kRestPerSave * (done - begun));
  }

 private:
  static constexpr double kRestPerSave = 50;
  static double steady_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }

  double interval_;  ///< in seconds
  Seconds now_;
  double due_;
};

}  // namespace ziplora
