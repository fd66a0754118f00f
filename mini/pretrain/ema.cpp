#include "mini/pretrain/ema.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>

#include <algorithm>

namespace ziplora::mini {

Ema::Ema(std::vector<at::Tensor> parameters, double decay) : decay_(decay) {
  for (const at::Tensor& parameter : parameters) {
    parameters_.push_back(parameter.detach());  // shares storage, outside autograd
    averages_.push_back(parameter.detach().clone());
  }
}

void Ema::update() {
  const at::NoGradGuard no_grad;
  ++updates_;
  const double n = static_cast<double>(updates_);
  at::_foreach_lerp_(averages_, parameters_, 1 - std::min(decay_, (1 + n) / (10 + n)));
}

void Ema::swap() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor trained = parameters_[i].clone();
    parameters_[i].copy_(averages_[i]);
    averages_[i].copy_(trained);
  }
}

void Ema::restore(const std::vector<at::Tensor>& averages, int64_t updates) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < averages_.size(); ++i) averages_[i].copy_(averages[i]);
  updates_ = updates;
}

}  // namespace ziplora::mini
