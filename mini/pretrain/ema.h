#pragma once
/// An exponential moving average of weights: θ̄ ← decay·θ̄ + (1−decay)·θ, with the warm-up min(decay,
/// (1+n)/(10+n)) of TensorFlow's ExponentialMovingAverage, so that a short run's average is not its start.
///
///     Ema ema(module.parameters(), 0.999);
///     ema.update();  …  ema.swap();   // averaged weights in place; swap again for the trained ones

#include <ATen/core/Tensor.h>

#include <vector>

namespace ziplora::mini {

class Ema {
 public:
  Ema(std::vector<at::Tensor> parameters, double decay);
  void update();
  /// Exchanges the values of the parameters and of their averages.
  void swap();
  const std::vector<at::Tensor>& averages() const { return averages_; }
  /// @param averages  as `averages()` of the run that is resumed; @param updates  its number of updates
  void restore(const std::vector<at::Tensor>& averages, int64_t updates);

 private:
  std::vector<at::Tensor> parameters_, averages_;
  double decay_;
  int64_t updates_ = 0;
};

}  // namespace ziplora::mini
