#include "mini/pretrain/muon.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "ziplora/base/error.h"
#include "ziplora/base/parallel_parts.h"

namespace ziplora::mini {
namespace {

/// About U Vᵀ of x = U S Vᵀ: singular values end between 0.7 and 1.2.
/// @param x  [rows, columns]
at::Tensor orthogonalized(const at::Tensor& x) {
  const bool tall = x.size(0) > x.size(1);
  at::Tensor y = x.to(at::kBFloat16);
  if (tall) y = y.t();
  y = y / y.norm().clamp_min(1e-7);
  for (int iteration = 0; iteration < 5; ++iteration) {
    const at::Tensor gram = at::matmul(y, y.t());
    y = at::addmm(y, at::addmm(gram, gram, gram, -4.7750, 2.0315), y, 3.4445);
  }
  return tall ? y.t() : y;
}

}  // namespace

Muon::Muon(std::vector<at::Tensor> parameters, MuonOptions options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const at::Tensor& parameter : parameters_) {
    if (parameter.dim() < 2)
      throw Error(ErrorKind::kInternal, "Muon", "a parameter has fewer than two dimensions",
                  "give it to Adam");
    momentum_.push_back(at::zeros_like(parameter).detach());
  }
}

void Muon::step(std::optional<double> lr_now) {
  const double lr = lr_now.value_or(options_.lr);
  for_each_part(static_cast<int64_t>(parameters_.size()), options_.threads, [&](int64_t part, int64_t) {
    const at::NoGradGuard no_grad;  // a thread's own
    const auto i = static_cast<size_t>(part);
    const at::Tensor& gradient = parameters_[i].grad();
    if (!gradient.defined()) return;
    momentum_[i].lerp_(gradient, 1 - options_.momentum);
    const at::Tensor update = orthogonalized(gradient.lerp(momentum_[i], options_.momentum).flatten(1));
    const double scale = 0.2 * std::sqrt(static_cast<double>(std::max(update.size(0), update.size(1))));
    if (options_.weight_decay > 0) parameters_[i].mul_(1 - lr * options_.weight_decay);
    parameters_[i].sub_(update.reshape(parameters_[i].sizes()), lr * scale);
  });
}

NamedTensors Muon::state() const {
  NamedTensors state;
  for (size_t i = 0; i < momentum_.size(); ++i) state["momentum." + std::to_string(i)] = momentum_[i];
  return state;
}

void Muon::load_state(const NamedTensors& state) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < momentum_.size(); ++i) {
    const std::string name = "momentum." + std::to_string(i);
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != momentum_[i].sizes())
      throw Error(ErrorKind::kIncompatible, "resume optimizer",
                  "the checkpoint's '" + name + "' is missing or has another shape",
                  "resume with the settings that the run was started with");
    momentum_[i].copy_(found->second);
  }
}

}  // namespace ziplora::mini
