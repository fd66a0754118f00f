#pragma once
/// An exponential moving average of weights,
///
///     θ̄ ← d·θ̄ + (1−d)·θ   with d = min(decay, (1+n)/(10+n)) at update n,
///
/// the warm-up of TensorFlow's ExponentialMovingAverage, so that a short run's average is not just its start.
///
///     Ema ema(module.parameters(), 0.999);
///     ema.update();   // after each optimizer step
///     ema.swap();     // averaged weights in place; swap again for the trained ones

#include <ATen/core/Tensor.h>

#include <vector>

namespace ziplora::mini {

class Ema {
 public:
  Ema(std::vector<at::Tensor> parameters, double decay);
  void update();
  /// Exchanges the parameters' values with their averages.
  void swap();
  const std::vector<at::Tensor>& averages() const { return averages_; }
  /// @param averages  what `averages()` gave in the run that is resumed
  /// @param updates   how many updates it had done
  void restore(const std::vector<at::Tensor>& averages, int64_t updates);

 private:
  std::vector<at::Tensor> parameters_, averages_;
  double decay_;
  int64_t updates_ = 0;
};

}  // namespace ziplora::mini
