#include "ziplora/analyze/adapter_report.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ziplora/analyze/loader_support.h"
#include "ziplora/analyze/spectra.h"
#include "ziplora/base/printable.h"
#include "ziplora/io/json_file.h"
#include "ziplora/lora/trigger_words.h"

namespace ziplora {
namespace {

using json = nlohmann::ordered_json;
constexpr size_t kMostTriggerWords = 8, kLargestLayers = 5;

/// Sums over a group of layers.
struct Group {
  int64_t layers = 0, of = 0;
  double energy = 0;
};

/// "down_blocks.1", "mid_block", "up_blocks.0"; of encoders the component: what block-weight tools weigh.
std::string block_of(const TargetName& target) {
  if (target.component != "unet") return target.component;
  const size_t dot = target.diffusers_path.find('.');
  const std::string first = target.diffusers_path.substr(0, dot);
  if (!first.ends_with("_blocks") || dot == std::string::npos) return first;
  return target.diffusers_path.substr(0, target.diffusers_path.find('.', dot + 1));
}

/// Zeros in both factors: written on purpose, for loaders that need the layer to be there.
bool is_placeholder(const LoraLayer& layer) {
  return !layer.up.to(at::kBool).any().item<bool>() && !layer.down.to(at::kBool).any().item<bool>();
}

json json_of(const Defect& defect) {
  return {{"kind", name_of(defect.kind)},
          {"problem", printable(defect.problem)},  // quotes names from the file
          {"hint", defect.hint},
          {"keys", defect.keys}};
}

json programs_of(const FileFacts& facts) {
  json programs = json::array();
  for (const ProgramSupport& support : loader_support(facts))
    programs.push_back(
        {{"program", support.program}, {"verdict", name_of(support.verdict)}, {"reasons", support.reasons}});
  return programs;
}

json groups_json(const std::vector<std::pair<json, Group>>& groups) {
  json list = json::array();
  for (const auto& [head, group] : groups) {
    if (group.layers == 0) continue;
    json entry = head;
    entry["layers"] = group.layers;
    entry["of"] = group.of;
    entry["norm"] = std::sqrt(group.energy);
    list.push_back(std::move(entry));
  }
  return list;
}

Group& group_at(std::vector<std::pair<json, Group>>& groups, const json& head) {
  for (auto& [known, group] : groups)
    if (known == head) return group;
  return groups.emplace_back(head, Group{}).second;
}

std::string number(double value) { return fmt::format("{:.6g}", value); }

/// Layers by a property, in the order of its values.
template <class Of>
json count_layers(const std::map<std::string, LayerOrigin>& origins, Of&& of) {
  std::map<std::remove_cvref_t<decltype(of(origins.begin()->second))>, int64_t> counts;
  for (const auto& [target, origin] : origins) ++counts[of(origin)];
  json result = json::object();
  for (const auto& [value, count] : counts) result[fmt::format("{}", value)] = count;
  return result;
}

json json_of(const std::optional<double>& value) { return value ? json(*value) : json(); }

void add_spectra(json& report, const std::map<std::string, SpectrumSummary>& spectra) {
  double energy = 0, energy_known = 0, kept = 0;
  std::vector<double> stable_ranks;
  std::vector<std::pair<double, std::string>> by_norm;
  for (const auto& [target, spectrum] : spectra) {
    const double of_layer = spectrum.norm * spectrum.norm;
    energy += of_layer;
    if (spectrum.first_half_energy) energy_known += of_layer, kept += of_layer * *spectrum.first_half_energy;
    if (spectrum.norm > 0) stable_ranks.push_back(spectrum.stable_rank);
    by_norm.emplace_back(-spectrum.norm, target);
  }
  report["norm"] = std::sqrt(energy);
  std::sort(stable_ranks.begin(), stable_ranks.end());
  report["stable_rank"] = stable_ranks.empty() ? 0.0 : stable_ranks[stable_ranks.size() / 2];
  report["first_half_energy"] = energy_known > 0 ? json(kept / energy_known) : json();
  std::sort(by_norm.begin(), by_norm.end());
  by_norm.resize(std::min(by_norm.size(), kLargestLayers));
  report["largest"] = json::array();
  for (const auto& [negative, target] : by_norm) {
    const SpectrumSummary& spectrum = spectra.at(target);
    report["largest"].push_back({{"layer", target},
                                 {"norm", spectrum.norm},
                                 {"stable_rank", spectrum.stable_rank},
                                 {"first_half_energy", json_of(spectrum.first_half_energy)}});
  }
}

void add_coverage(json& report, const AdapterSurvey& survey,
                  const std::map<std::string, SpectrumSummary>& spectra, const TargetNames& names) {
  std::vector<std::pair<json, Group>> kinds, blocks;
  for (const TargetName& target : names.targets()) {
    const auto spectrum = spectra.find(target.canonical);
    for (Group* group : {&group_at(kinds, {{"component", target.component}, {"kind", name_of(target.kind)}}),
                         &group_at(blocks, {{"block", block_of(target)}})}) {
      ++group->of;
      group->layers += static_cast<int64_t>(survey.origins.count(target.canonical));
      if (spectrum != spectra.end()) group->energy += spectrum->second.norm * spectrum->second.norm;
    }
  }
  report["coverage"] = groups_json(kinds);
  report["blocks"] = groups_json(blocks);
}

void add_defects(json& report, const AdapterSurvey& survey, const FileFacts& facts,
                 const std::map<std::string, SpectrumSummary>& spectra) {
  json defects = json::array();
  for (const Defect& defect : survey.defects) defects.push_back(json_of(defect));
  std::vector<std::string> dead;
  int64_t placeholders = 0;
  for (const auto& [target, spectrum] : spectra) {
    if (spectrum.norm > 0) continue;
    if (is_placeholder(survey.adapter.layers.at(target)))
      ++placeholders;
    else
      dead.push_back(target);
  }
  if (!dead.empty())
    defects.push_back({{"kind", "dead"},
                       {"problem", fmt::format("{} of {} layers change nothing, first: {}", dead.size(),
                                               spectra.size(), dead.front())},
                       {"hint",
                        "they were not trained, their alpha is 0, or their ranks cancel each other; the "
                        "file works without them"},
                       {"keys", dead}});
  if (facts.uneven_alpha && (facts.kohya_sgm || facts.kohya_diffusers))
    defects.push_back(
        {{"kind", "uneven-alpha"},
         {"problem", "attention layers of one component have several alphas, or only some have one"},
         {"hint", "diffusers scales them wrongly; a file written by ziplora has one alpha a component"},
         {"keys", json::array()}});
  report["placeholders"] = placeholders;
  report["defects"] = std::move(defects);
}

}  // namespace

json report_adapter(const AdapterSurvey& survey, const TargetNames& names) {
  std::map<std::string, SpectrumSummary> spectra;
  for (const auto& [target, layer] : survey.adapter.layers) spectra[target] = summarize_spectrum(layer);
  const bool sdxl_sizes = names.unet.cross_attention_dim == 2048 &&
                          names.targets().size() == TargetNames::sdxl().targets().size();
  const FileFacts facts = file_facts(survey, sdxl_sizes);

  json report;
  report["dialect"] = survey.adapter.dialect;
  report["kinds"] = count_layers(survey.origins, [](const LayerOrigin& o) { return std::string(o.kind); });
  if (const size_t vectors = survey.adapter.vector_deltas.size(); vectors > 0)
    report["kinds"]["biases and norms"] = vectors;
  report["dtypes"] = count_layers(survey.origins, [](const LayerOrigin& o) { return o.dtype; });
  report["tensors"] = survey.tensors.size();
  report["layers"] = survey.origins.size();
  // Their ΔW is known on a base only, so that norms and spectra leave them out.
  report["base_bound"] = survey.base_bound.size();
  report["vectors"] = survey.adapter.vector_deltas.size();
  report["ranks"] = count_layers(survey.origins, [](const LayerOrigin& o) { return o.rank; });
  std::map<std::string, std::map<std::string, int64_t>> alphas;  // by component
  for (const auto& [target, origin] : survey.origins)
    ++alphas[target.substr(0, target.find('.'))][origin.alpha ? number(*origin.alpha) : "none"];
  report["alphas"] = alphas;
  add_coverage(report, survey, spectra, names);
  add_spectra(report, spectra);
  std::vector<std::string> words = trigger_words(survey.adapter.metadata);
  words.resize(std::min(words.size(), kMostTriggerWords));
  report["trigger_words"] = words;
  const auto recipe = survey.adapter.metadata.find("ziplora.recipe");
  if (recipe != survey.adapter.metadata.end())
    // Parsed again to keep its order.
    if (const auto parsed = parse_json(recipe->second); parsed && parsed->is_object())
      report["recipe"] = json::parse(recipe->second);
  report["metadata"] = survey.adapter.metadata;
  report["warnings"] = survey.warnings;
  add_defects(report, survey, facts, spectra);
  report["programs"] = programs_of(facts);
  return report;
}

}  // namespace ziplora
