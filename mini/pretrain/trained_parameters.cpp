#include "mini/pretrain/trained_parameters.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include "ziplora/nn/load_parameters.h"

namespace ziplora::mini {

TrainedParameters::TrainedParameters(const std::vector<Replica>& replicas, at::ScalarType working_dtype)
    : working_dtype_(working_dtype) {
  for (const Replica& replica : replicas) {
    size_t index = 0;
    for (const auto& [name, module] : replica.modules)
      module->for_each_parameter([&, prefix = name + "."](const std::string& path, Module::Parameter& it) {
        if (&replica == &replicas.front()) {
          list_.push_back({prefix + path, {}, it.tensor->detach().to(at::kFloat).contiguous()});
          masters_.push_back(list_.back().master);
        }
        list_[index++].places.push_back(it.tensor);
      });
  }
  for (TrainedParameter& parameter : list_)
    for (at::Tensor* place : parameter.places)
      *place = working_dtype_ == at::kFloat
                   ? parameter.master.detach().set_requires_grad(true)
                   : in_order_of_use(parameter.master.detach().to(working_dtype_)).set_requires_grad(true);
}

TrainedParameters::~TrainedParameters() {
  for (TrainedParameter& parameter : list_)
    for (at::Tensor* place : parameter.places) *place = parameter.master.detach();
}

void TrainedParameters::fill_modules() {
  if (working_dtype_ == at::kFloat) return;
  const at::NoGradGuard no_grad;
  for (TrainedParameter& parameter : list_)
    for (at::Tensor* place : parameter.places) place->detach().copy_(parameter.master);
}

std::vector<at::Tensor> TrainedParameters::take_gradients(size_t replica) {
  std::vector<at::Tensor> gradients;
  for (TrainedParameter& parameter : list_) {
    at::Tensor& gradient = parameter.places[replica]->mutable_grad();
    gradients.push_back(gradient.defined() ? gradient.to(at::kFloat).contiguous() : at::Tensor());
    gradient = at::Tensor();
  }
  return gradients;
}

void TrainedParameters::set_gradients(std::vector<std::vector<at::Tensor>> of_parts) {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < list_.size(); ++i) {
    at::Tensor sum;
    for (std::vector<at::Tensor>& part : of_parts) {
      if (!part[i].defined()) continue;
      if (sum.defined())
        sum.add_(part[i]);
      else
        sum = std::move(part[i]);
    }
    if (sum.defined() && of_parts.size() > 1) sum.div_(static_cast<double>(of_parts.size()));
    list_[i].master.mutable_grad() = sum;
  }
}

void TrainedParameters::forget_gradients() {
  for (at::Tensor& master : masters_) master.mutable_grad() = at::Tensor();
}

}  // namespace ziplora::mini
