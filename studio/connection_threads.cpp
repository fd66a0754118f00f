#include "studio/connection_threads.h"

#include <chrono>
#include <system_error>

namespace ziplora::studio {
namespace {

constexpr auto kIdle = std::chrono::seconds(10);

}  // namespace

void ConnectionThreads::enqueue(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  if (tasks_.size() > idle_ && threads_ < most_) {
    try {
      std::thread([this] { work(); }).detach();
      ++threads_;
    } catch (const std::system_error&) {  // the system gives no more: those that are there take it
      if (threads_ == 0) throw;
    }
  }
  changed_.notify_one();
}

void ConnectionThreads::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    const bool is_woken = changed_.wait_for(lock, kIdle, [this] { return stopped_ || !tasks_.empty(); });
    --idle_;
    if (tasks_.empty()) {
      if (is_woken || threads_ > 2) break;
      continue;
    }
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
  --threads_;
  changed_.notify_all();
}

void ConnectionThreads::shutdown() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return threads_ == 0; });
}

}  // namespace ziplora::studio
