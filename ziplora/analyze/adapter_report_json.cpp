// The machine-readable form of a report. Scripts rely on these keys.
#include "ziplora/analyze/adapter_report.h"

namespace ziplora {
namespace {

using json = nlohmann::ordered_json;

json json_of(const LayerCounts& counts) {
  json object = json::object();
  for (const auto& [value, count] : counts) object[value] = count;
  return object;
}

json json_of(const std::optional<double>& value) { return value ? json(*value) : json(); }

json with_group(json head, const LayerGroup& group) {
  head["layers"] = group.layers;
  head["of"] = group.of;
  head["norm"] = group.norm;
  return head;
}

json json_of(const KindGroup& group) {
  return with_group({{"component", group.component}, {"kind", name_of(group.kind)}}, group);
}

json json_of(const BlockGroup& group) { return with_group({{"block", group.block}}, group); }

json json_of(const LargestLayer& layer) {
  return {{"layer", layer.target},
          {"norm", layer.spectrum.norm},
          {"stable_rank", layer.spectrum.stable_rank},
          {"first_half_energy", json_of(layer.spectrum.first_half_energy)}};
}

json json_of(const ReportedDefect& defect) {
  return {{"kind", defect.kind}, {"problem", defect.problem}, {"hint", defect.hint}, {"keys", defect.keys}};
}

json json_of(const ProgramSupport& support) {
  return {{"program", support.program}, {"verdict", name_of(support.verdict)}, {"reasons", support.reasons}};
}

template <class Item>
json list_of(const std::vector<Item>& items) {
  json list = json::array();
  for (const Item& item : items) list.push_back(json_of(item));
  return list;
}

}  // namespace

json to_json(const AdapterReport& report) {
  json result{{"dialect", report.dialect},        {"kinds", json_of(report.kinds)},
              {"dtypes", json_of(report.dtypes)}, {"tensors", report.tensors},
              {"layers", report.layers},          {"base_bound", report.base_bound},
              {"vectors", report.vectors},        {"ranks", json_of(report.ranks)}};
  result["alphas"] = json::object();
  for (const auto& [component, counts] : report.alphas) result["alphas"][component] = json_of(counts);
  result["coverage"] = list_of(report.coverage);
  result["blocks"] = list_of(report.blocks);
  result["norm"] = report.norm;
  result["stable_rank"] = report.stable_rank;
  result["first_half_energy"] = json_of(report.first_half_energy);
  result["largest"] = list_of(report.largest);
  result["trigger_words"] = report.trigger_words;
  if (report.recipe) result["recipe"] = report.recipe->json;
  result["metadata"] = report.metadata;
  result["warnings"] = report.warnings;
  result["placeholders"] = report.placeholders;
  result["defects"] = list_of(report.defects);
  result["programs"] = list_of(report.programs);
  return result;
}

}  // namespace ziplora
