#include "ziplora/analyze/adapter_report.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ziplora/base/printable.h"
#include "ziplora/lora/trigger_words.h"

namespace ziplora {
namespace {

constexpr size_t kMostTriggerWords = 8, kLargestLayers = 5;

using Spectra = std::map<std::string, SpectrumSummary>;  // by canonical target

/// Layers by a property, in the order of its values.
template <class Of>
LayerCounts count_layers(const std::map<std::string, LayerOrigin>& origins, Of&& of) {
  std::map<std::remove_cvref_t<decltype(of(origins.begin()->second))>, int64_t> counts;
  for (const auto& [target, origin] : origins) ++counts[of(origin)];
  LayerCounts result;
  for (const auto& [value, count] : counts) result.emplace_back(fmt::format("{}", value), count);
  return result;
}

std::map<std::string, LayerCounts> alphas_by_component(const std::map<std::string, LayerOrigin>& origins) {
  std::map<std::string, std::map<std::string, int64_t>> counts;
  for (const auto& [target, origin] : origins)
    ++counts[target.substr(0, target.find('.'))]
            [origin.alpha ? fmt::format("{:.6g}", *origin.alpha) : "none"];
  std::map<std::string, LayerCounts> alphas;
  for (const auto& [component, of] : counts) alphas[component] = {of.begin(), of.end()};
  return alphas;
}

std::string block_of(const TargetName& target) {
  if (target.component != "unet") return target.component;
  const size_t dot = target.diffusers_path.find('.');
  const std::string first = target.diffusers_path.substr(0, dot);
  if (!first.ends_with("_blocks") || dot == std::string::npos) return first;
  return target.diffusers_path.substr(0, target.diffusers_path.find('.', dot + 1));
}

bool is_same(const KindGroup& a, const KindGroup& b) {
  return a.component == b.component && a.kind == b.kind;
}
bool is_same(const BlockGroup& a, const BlockGroup& b) { return a.block == b.block; }

/// @param own     the layer's group
/// @param energy  ‖ΔW‖², 0 if it is not known; `norm` is the sum of these until complete() takes its root
template <class Group>
void add_layer(std::vector<Group>& groups, const Group& own, bool is_changed, double energy) {
  const auto found = std::ranges::find_if(groups, [&](const Group& group) { return is_same(group, own); });
  Group& group = found != groups.end() ? *found : groups.emplace_back(own);
  ++group.of;
  group.layers += is_changed;
  group.norm += energy;
}

template <class Group>
void complete(std::vector<Group>& groups) {
  std::erase_if(groups, [](const Group& group) { return group.layers == 0; });
  for (Group& group : groups) group.norm = std::sqrt(group.norm);
}

void add_coverage(AdapterReport& report, const AdapterSurvey& survey, const Spectra& spectra,
                  const TargetNames& names) {
  for (const TargetName& target : names.targets()) {
    const auto spectrum = spectra.find(target.canonical);
    const double energy = spectrum == spectra.end() ? 0 : spectrum->second.norm * spectrum->second.norm;
    const bool is_changed = survey.origins.count(target.canonical) != 0;
    add_layer(report.coverage, {{}, target.component, target.kind}, is_changed, energy);
    add_layer(report.blocks, {{}, block_of(target)}, is_changed, energy);
  }
  complete(report.coverage);
  complete(report.blocks);
}

void add_spectra(AdapterReport& report, const Spectra& spectra) {
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
  report.norm = std::sqrt(energy);
  std::ranges::sort(stable_ranks);
  if (!stable_ranks.empty()) report.stable_rank = stable_ranks[stable_ranks.size() / 2];
  if (energy_known > 0) report.first_half_energy = kept / energy_known;
  std::ranges::sort(by_norm);
  by_norm.resize(std::min(by_norm.size(), kLargestLayers));
  for (const auto& [negative, target] : by_norm) report.largest.push_back({target, spectra.at(target)});
}

/// Zeros in both factors: written on purpose, for loaders that need the layer to be there.
bool is_placeholder(const LoraLayer& layer) {
  return !layer.up.to(at::kBool).any().item<bool>() && !layer.down.to(at::kBool).any().item<bool>();
}

void add_dead_layers(AdapterReport& report, const AdapterSurvey& survey, const Spectra& spectra) {
  std::vector<std::string> dead;
  for (const auto& [target, spectrum] : spectra) {
    if (spectrum.norm > 0) continue;
    if (is_placeholder(survey.adapter.layers.at(target)))
      ++report.placeholders;
    else
      dead.push_back(target);
  }
  if (dead.empty()) return;
  report.defects.push_back(
      {.kind = "dead",
       .problem = fmt::format("{} of {} layers change nothing, first: {}", dead.size(), spectra.size(),
                              dead.front()),
       .hint = "they were not trained, their alpha is 0, or their ranks cancel each other; the file works "
               "without them",
       .keys = dead});
}

void add_defects(AdapterReport& report, const AdapterSurvey& survey, const FileFacts& facts,
                 const Spectra& spectra) {
  for (const Defect& defect : survey.defects)
    report.defects.push_back({.kind = name_of(defect.kind),
                              .problem = printable(defect.problem),  // quotes names from the file
                              .hint = defect.hint,
                              .keys = defect.keys});
  add_dead_layers(report, survey, spectra);
  if (facts.uneven_alpha && (facts.kohya_sgm || facts.kohya_diffusers))
    report.defects.push_back(
        {.kind = "uneven-alpha",
         .problem = "attention layers of one component have several alphas, or only some have one",
         .hint = "diffusers scales them wrongly; a file written by ziplora has one alpha a component",
         .keys = {}});
}

}  // namespace

AdapterReport report_adapter(const AdapterSurvey& survey, const TargetNames& names) {
  Spectra spectra;
  for (const auto& [target, layer] : survey.adapter.layers) spectra[target] = summarize_spectrum(layer);
  const FileFacts facts = file_facts(survey, names.has_sdxl_sizes());
  const auto& origins = survey.origins;
  const StringMap& metadata = survey.adapter.metadata;

  AdapterReport report;
  report.dialect = survey.adapter.dialect;
  report.kinds = count_layers(origins, [](const LayerOrigin& origin) { return std::string(origin.kind); });
  report.vectors = static_cast<int64_t>(survey.adapter.vector_deltas.size());
  if (report.vectors > 0) report.kinds.emplace_back("biases and norms", report.vectors);
  report.dtypes = count_layers(origins, [](const LayerOrigin& origin) { return origin.dtype; });
  report.tensors = static_cast<int64_t>(survey.tensors.size());
  report.layers = static_cast<int64_t>(origins.size());
  report.base_bound = static_cast<int64_t>(survey.base_bound.size());
  report.ranks = count_layers(origins, [](const LayerOrigin& origin) { return origin.rank; });
  report.alphas = alphas_by_component(origins);
  add_coverage(report, survey, spectra, names);
  add_spectra(report, spectra);
  report.trigger_words = trigger_words(metadata);
  report.trigger_words.resize(std::min(report.trigger_words.size(), kMostTriggerWords));
  if (const auto recipe = metadata.find("ziplora.recipe"); recipe != metadata.end())
    report.recipe = parse_merge_recipe(recipe->second);
  report.metadata = metadata;
  report.warnings = survey.warnings;
  add_defects(report, survey, facts, spectra);
  report.programs = loader_support(facts);
  return report;
}

}  // namespace ziplora
