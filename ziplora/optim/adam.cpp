#include "ziplora/optim/adam.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include "ziplora/base/error.h"

namespace ziplora {

Adam::Adam(std::vector<at::Tensor> parameters, AdamOptions options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const at::Tensor& parameter : parameters_) {
    exp_avg_.push_back(at::zeros_like(parameter).detach());
    exp_avg_sq_.push_back(at::zeros_like(parameter).detach());
  }
}

void Adam::zero_grad() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad() = at::Tensor();
}

std::vector<at::Tensor> Adam::gradients() const {
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters_)
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  return gradients;
}

void Adam::step(std::optional<double> lr_now) {
  const at::NoGradGuard no_grad;
  const double lr = lr_now.value_or(options_.lr);
  const int64_t step = step_count_ + 1;
  // A parameter that took no part in the loss has no gradient and is left alone, as in torch.optim.
  std::vector<at::Tensor> parameters, gradients, exp_avg, exp_avg_sq, steps;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    parameters.push_back(parameters_[i]);
    gradients.push_back(parameters_[i].grad());
    exp_avg.push_back(exp_avg_[i]);
    exp_avg_sq.push_back(exp_avg_sq_[i]);
    steps.push_back(at::full({}, static_cast<double>(step), parameters_[i].options().dtype(at::kFloat)));
  }
  step_count_ = step;  // only now: what runs out of memory above has updated nothing
  if (parameters.empty()) return;
  const auto update = [&](auto fused) {
    fused(parameters, gradients, exp_avg, exp_avg_sq, at::TensorList{}, steps, lr, options_.beta1,
          options_.beta2, options_.weight_decay, options_.eps, /*amsgrad=*/false, /*maximize=*/false);
  };
  // One pass over memory; separate operations would take a dozen.
  if (options_.decoupled)
    update([](auto&&... arguments) { at::_fused_adamw_(arguments...); });
  else
    update([](auto&&... arguments) { at::_fused_adam_(arguments...); });
}

NamedTensors Adam::state() const {
  NamedTensors state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    state["exp_avg." + std::to_string(i)] = exp_avg_[i];
    state["exp_avg_sq." + std::to_string(i)] = exp_avg_sq_[i];
  }
  state["step"] = at::scalar_tensor(step_count_, at::kLong);
  return state;
}

void Adam::load_state(const NamedTensors& state) {
  const at::NoGradGuard no_grad;
  auto restore = [&](const std::string& name, at::Tensor& into) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != into.sizes())
      throw Error(ErrorKind::kIncompatible, "resume optimizer",
                  "the checkpoint's '" + name + "' is missing or has another shape",
                  "resume with the settings that the run was started with");
    into.copy_(found->second);
  };
  for (size_t i = 0; i < parameters_.size(); ++i) {
    restore("exp_avg." + std::to_string(i), exp_avg_[i]);
    restore("exp_avg_sq." + std::to_string(i), exp_avg_sq_[i]);
  }
  at::Tensor step = at::scalar_tensor(0, at::kLong);
  restore("step", step);
  step_count_ = step.item<int64_t>();
}

double clip_gradient_norm(const std::vector<at::Tensor>& parameters, double max_norm) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const at::Tensor& parameter : parameters)
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  if (gradients.empty()) return 0.0;
  const at::Tensor norm = at::stack(at::_foreach_norm(gradients, 2)).norm();
  const double value = norm.item<double>();
  const double factor = max_norm / (value + 1e-6);
  if (factor < 1) at::_foreach_mul_(gradients, factor);
  return value;
}

}  // namespace ziplora
