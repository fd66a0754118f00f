#pragma once
/// What the probes of optimizers share: steps over given gradients. Inputs p.<i> (start) and g.<step>.<i>;
/// outputs p.<i> after the last step, and norms.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "tests/parity/probe/probes.h"
#include "ziplora/optim/adam.h"

namespace ziplora::probe {

inline std::vector<at::Tensor> numbered(const NamedTensors& tensors, const std::string& prefix) {
  std::vector<at::Tensor> result;
  for (size_t i = 0; tensors.count(prefix + std::to_string(i)); ++i)
    result.push_back(tensors.at(prefix + std::to_string(i)).clone());
  return result;
}

template <class Optimizer, class Options>
Response run_optimizer(const Request& request, const Options& options) {
  const nlohmann::json& a = request.arguments;
  std::vector<at::Tensor> parameters = numbered(request.inputs, "p.");
  for (at::Tensor& parameter : parameters) parameter.set_requires_grad(true);
  Optimizer optimizer(parameters, options);
  Response response;
  std::vector<double> norms;
  const std::vector<double> rates = a.at("rates");
  for (size_t step = 0; step < rates.size(); ++step) {
    // Halfway the optimizer is made anew from its state: the rest has to be the same bit for bit.
    if (a.at("resume") && step == rates.size() / 2) {
      NamedTensors state;
      for (const auto& [name, tensor] : optimizer.state()) state[name] = tensor.clone();
      optimizer = Optimizer(parameters, options);
      optimizer.load_state(state);
    }
    const std::vector<at::Tensor> gradients = numbered(request.inputs, "g." + std::to_string(step) + ".");
    for (size_t i = 0; i < parameters.size(); ++i) parameters[i].mutable_grad() = gradients[i];
    if (a.at("max_norm") > 0) norms.push_back(clip_gradient_norm(parameters, a.at("max_norm")));
    optimizer.step(rates[step]);
  }
  for (size_t i = 0; i < parameters.size(); ++i) response.outputs["p." + std::to_string(i)] = parameters[i];
  response.values["norms"] = norms;
  return response;
}

}  // namespace ziplora::probe
