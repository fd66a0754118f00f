// probe_strategy: which of two adapters each layer wears in each step. Inputs: "<target>/subject/down" [r, in],
// "<target>/subject/up" [out, r], "…/alpha" [], and the same of the style; arguments.strategy, options, steps.
// Gives "subject" [steps, layers] int64, 1 where a layer wears the subject, and the layers' targets in values.
#include <ATen/ops/zeros.h>

#include "tests/parity/probe/probes.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora::probe {
namespace {

Adapter adapter_of(const NamedTensors& inputs, const std::string& role) {
  Adapter adapter;
  const std::string ending = "/" + role + "/down";
  for (const auto& [name, down] : inputs) {
    if (!name.ends_with(ending)) continue;
    const std::string target = name.substr(0, name.size() - ending.size()), part = target + "/" + role;
    adapter.layers[target] = {down, inputs.at(part + "/up"), inputs.at(part + "/alpha").item<double>()};
  }
  return adapter;
}

}  // namespace

Response run_strategy(const Request& request) {
  const Adapter subject = adapter_of(request.inputs, "subject"), style = adapter_of(request.inputs, "style");
  const auto strategy = make_strategy(
      request.arguments.at("strategy"), request.arguments.at("options"),
      {{.adapter = &style, .role = Role::kStyle}, {.adapter = &subject, .role = Role::kSubject}});
  const size_t steps = request.arguments.at("steps");
  NullProgress progress;
  strategy->set_steps(steps, progress);
  Response response;
  for (size_t step = 0; step < steps; ++step) {
    const std::vector<LayerChoice> choices = strategy->layer_choices(step);
    at::Tensor& worn = response.outputs["subject"];
    if (!worn.defined())
      worn = at::zeros({static_cast<int64_t>(steps), static_cast<int64_t>(choices.size())}, at::kLong);
    for (size_t i = 0; i < choices.size(); ++i) {
      worn[static_cast<int64_t>(step)][static_cast<int64_t>(i)] = choices[i].worn == 1 ? 1 : 0;
      if (step == 0) response.values["targets"].push_back(choices[i].target);
    }
  }
  return response;
}

}  // namespace ziplora::probe
