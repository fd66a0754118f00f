#pragma once
/// While it lives, PyTorch's operations take one thread: for work that has threads of its own, and for many
/// small operations, which lose more to waiting for each other than they gain.
///
///     const OneTorchThread one(threads > 1);

#include <ATen/Parallel.h>

namespace ziplora {

class OneTorchThread {
 public:
  explicit OneTorchThread(bool wanted) : before_(wanted ? at::get_num_threads() : 0) { set(1); }
  ~OneTorchThread() { set(before_); }
  OneTorchThread(const OneTorchThread&) = delete;
  OneTorchThread& operator=(const OneTorchThread&) = delete;

 private:
  void set(int threads) const {
    if (before_ > 0) at::set_num_threads(threads);
  }
  int before_;
};

}  // namespace ziplora
