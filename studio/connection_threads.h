#pragma once
/// A thread for each connection, made when none is idle and kept for a while. Pages that listen hold one each, and so do
/// clients that send a byte a second, which must not keep others waiting.

#include <httplib.h>

#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

namespace ziplora::studio {

class ConnectionThreads : public httplib::TaskQueue {
 public:
  /// @param most  beyond it connections wait
  explicit ConnectionThreads(size_t most) : most_(most) {}
  void enqueue(std::function<void()> task) override;
  /// Waits until all have ended.
  void shutdown() override;

 private:
  void work();
  const size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<std::function<void()>> tasks_;
  size_t threads_ = 0, idle_ = 0;
  bool stopped_ = false;
};

}  // namespace ziplora::studio
