#pragma once
/// Ctrl-C sets it, and every long loop asks it once per step. A loop that can resume saves its state first.

#include <atomic>
#include <string>

namespace ziplora {

class CancelToken {
 public:
  /// Safe in a signal handler.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  /// @param hint  how to continue; the default is for work that cannot be resumed
  /// @throws Error(kInterrupted) naming the operation
  void throw_if_cancelled(const std::string& operation,
                          const std::string& hint = "run the same command again") const;

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace ziplora
