#include "ziplora/merge/merge_report.h"

#include <algorithm>

namespace ziplora {
namespace {

nlohmann::json before_and_after(const BeforeAfter& value) {
  return {{"before", value.before}, {"after", value.after}};
}

nlohmann::json as_row(const Learning::Iteration& iteration) {
  nlohmann::json row = {
      {"iteration", iteration.iteration}, {"loss", iteration.loss}, {"overlap", iteration.overlap}};
  for (const auto& [name, fidelity] : iteration.fidelity) row["loss_" + name] = fidelity;
  return row;
}

nlohmann::json overlap_of(const Learning& learning) {
  const BeforeAfter& sum = learning.unnormalised_overlap;
  const double layers = std::max<double>(static_cast<double>(learning.learned_layers), 1);
  nlohmann::json overlap = before_and_after(learning.overlap);
  overlap["unnormalised"] = before_and_after(sum);
  overlap["mean_of_layers"] = before_and_after({sum.before / layers, sum.after / layers});
  overlap["per_layer"] = learning.overlap_of_layer;
  overlap["per_adapter"] = nlohmann::json::object();
  for (const auto& [name, adapter] : learning.adapters)
    if (adapter.overlap) overlap["per_adapter"][name] = *adapter.overlap;
  return overlap;
}

}  // namespace

nlohmann::json Learning::to_json() const {
  nlohmann::json json = {{"overlap", overlap_of(*this)},
                         {"mean_movement", mean_movement},
                         {"iterations", iterations},
                         {"learned_layers", learned_layers},
                         {"added_layers", added_layers},
                         {"coefficients", coefficients},
                         {"seconds_per_iteration", seconds_per_iteration},
                         {"history", nlohmann::json::array()}};
  for (const auto& [name, adapter] : adapters) {
    json["fidelity"][name] = before_and_after(adapter.fidelity);
    json["movement"][name] = adapter.movement;
  }
  if (joint_fidelity) json["fidelity"]["joint"] = before_and_after(*joint_fidelity);
  for (const Iteration& row : history) json["history"].push_back(as_row(row));
  return json;
}

nlohmann::json MergeReport::to_json() const {
  nlohmann::json json = learning ? learning->to_json() : nlohmann::json::object();
  if (coverage) {
    json["partly_covered"] = coverage->partly_covered;
    for (const Coverage::Input& input : coverage->inputs)
      json["layers_of_inputs"].push_back({{"input", input.input}, {"layers", input.layers}});
  }
  for (const LeftOut& left : left_out)
    json["left_out"].push_back({{"input", left.input}, {"layers", left.layers}, {"vectors", left.vectors}});
  if (cross_terms) json["cross_terms"] = *cross_terms;
  for (const Removed& one : removed) json["removed"].push_back({{"input", one.input}, {"share", one.share}});
  if (svd_error) {
    json["svd_error"] = svd_error->total;
    json["svd_error_of_layer"] = svd_error->of_layer;
  }
  for (const StepReport& step : steps)
    json["steps"].push_back(
        {{"name", step.name}, {"method", step.method}, {"report", step.report.to_json()}});
  return json;
}

}  // namespace ziplora
