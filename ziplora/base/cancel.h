#pragma once
/// Asked once a step by every long loop; Ctrl-C sets it. The loop saves a resumable state first where it has
/// one.

#include <atomic>
#include <string>

namespace ziplora {

class CancelToken {
 public:
  /// Safe in a signal handler.
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  /// @param hint  how to go on; by default, for work that leaves nothing to go on from, anew
  /// @throws Error(kInterrupted) naming the operation
  void throw_if_cancelled(const std::string& operation,
                          const std::string& hint = "run the same command again") const;

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace ziplora
