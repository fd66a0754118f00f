#pragma once
/// Limits PyTorch's operations to one thread during its lifetime: for work with threads of its own, and for
/// many small operations, whose threads would wait longer than they work.
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
