// probe_deltas: what the adapter arguments.adapter adds to each parameter of the base arguments.base, by
// canonical name: "unet.….to_q.weight" (ΔW in the weight's shape), "….norm1.bias".
#include <ATen/TensorOperators.h>
#include <c10/core/InferenceMode.h>

#include "tests/parity/probe/probes.h"
#include "ziplora/app/architecture.h"
#include "ziplora/app/base_targets.h"
#include "ziplora/lora/adapter_survey.h"
#include "ziplora/lora/resolve_against_base.h"

namespace ziplora::probe {

Response run_deltas(const Request& request) {
  c10::InferenceMode inference;
  const std::filesystem::path base = request.arguments.at("base").get<std::string>();
  const TargetNames names = base_targets(base);
  AdapterSurvey survey = survey_adapter(request.arguments.at("adapter").get<std::string>(), names);
  Adapter& adapter = survey.adapter;
  resolve_against_base(survey.base_bound, names, base_weights(base, names), adapter.layers);
  Response response;
  for (const auto& [target, layer] : adapter.layers) {
    const at::Tensor delta =
        layer.up.to(at::kDouble).flatten(1).matmul(layer.down.to(at::kDouble).flatten(1)) * layer.scale();
    response.outputs[target + ".weight"] = delta.view(names.find(target)->weight_shape);
    response.values["ranks"][target] = layer.rank();
  }
  for (const auto& [parameter, delta] : adapter.vector_deltas)
    response.outputs[parameter] = delta.to(at::kDouble);
  for (const auto& [target, origin] : survey.origins) response.values["kinds"][target] = origin.kind;
  response.values["defects"] = nlohmann::json::array();
  for (const Defect& defect : survey.defects) response.values["defects"].push_back(defect.problem);
  response.values["family"] = adapter.family;
  return response;
}

}  // namespace ziplora::probe
