#include "ziplora/app/analyze.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ziplora/app/analyze_figures.h"
#include "ziplora/app/architecture.h"
#include "ziplora/app/default_base.h"
#include "ziplora/app/ignore_unused.h"
#include "ziplora/app/read_adapters.h"
#include "ziplora/base/atomic_file.h"
#include "ziplora/base/atomic_folder.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/adapter_digest.h"
#include "ziplora/merge/delta_norm.h"

namespace ziplora {
namespace {

using json = nlohmann::ordered_json;

/// Adds up what layers keep, each by its energy.
class EnergySum {
 public:
  void add(const KeptEnergy& kept, double energy) {
    for (size_t i = 0; i < kZeroedShares.size(); ++i) {
      sum_.values[i] += kept.values[i] * energy;
      sum_.columns[i] += kept.columns[i] * energy;
    }
    energy_ += energy;
  }
  KeptEnergy mean() const {
    KeptEnergy mean = sum_;
    for (double& value : mean.values) value /= energy_;
    for (double& column : mean.columns) column /= energy_;
    return mean;
  }
  double energy() const { return energy_; }

 private:
  KeptEnergy sum_;
  double energy_ = 0;
};

AnalyzedFile analyzed(const Adapter& adapter, Stage& stage, const CancelToken& cancel) {
  AnalyzedFile file{.path = adapter.source, .layers = 0, .norm = 0, .kept = {}, .by_layer = {}};
  EnergySum sum;
  for (const auto& [target, layer] : adapter.layers) {
    cancel.throw_if_cancelled("analyze");
    if (const double energy = squared_norm(layer);
        energy > 0) {  // a dead layer keeps nothing and loses nothing
      sum.add(file.by_layer[target] = kept_energy(layer), energy);
      ++file.layers;
    }
    stage.step();
  }
  file.norm = std::sqrt(sum.energy());
  if (file.layers > 0) file.kept = sum.mean();
  return file;
}

/// The measures of several layers as one.
class PairSum {
 public:
  void add(const PairMeasures& layer, double a, double b) {  // a, b: ‖ΔW‖²
    const double weight = std::sqrt(a * b);
    sum_.columns.cosine += layer.columns.cosine * weight;
    sum_.columns.absolute_cosine += layer.columns.absolute_cosine * weight;
    sum_.cosine += layer.cosine * weight;
    sum_.overlap += layer.overlap * weight;
    sum_.sign_conflict += layer.sign_conflict * weight;
    weight_ += weight, a_ += a, b_ += b;
  }
  PairMeasures mean() const {
    if (weight_ <= 0) return {};
    return {.columns = {.cosine = sum_.columns.cosine / weight_,
                        .absolute_cosine = sum_.columns.absolute_cosine / weight_},
            .cosine = sum_.cosine / std::sqrt(a_ * b_),
            .overlap = sum_.overlap / weight_,
            .sign_conflict = sum_.sign_conflict / weight_};
  }

 private:
  PairMeasures sum_;
  double weight_ = 0, a_ = 0, b_ = 0;
};

AnalyzedPair compared(const std::vector<Adapter>& adapters, size_t first, size_t second,
                      const TargetNames& names, Stage& stage, const CancelToken& cancel) {
  AnalyzedPair pair{.first = first, .second = second, .whole = {}, .by_kind = {}, .by_layer = {}};
  PairSum whole;
  std::map<TargetKind, PairSum> kinds;
  for (const auto& [target, parts] : layers_side_by_side({{&adapters[first]}, {&adapters[second]}})) {
    cancel.throw_if_cancelled("analyze");
    stage.step();
    if (parts.size() < 2) continue;
    const LayerConflict conflict = measure_conflict(target, parts);
    const auto gram = conflict.gram.accessor<double, 2>();
    const double left = gram[0][0], right = gram[1][1];
    if (left <= 0 || right <= 0) continue;
    const PairMeasures measures{.columns = align_columns(*parts[0].layer, *parts[1].layer),
                                .cosine = gram[0][1] / std::sqrt(left * right),
                                .overlap = conflict.measures.overlap,
                                .sign_conflict = conflict.measures.excess};
    whole.add(measures, left, right);
    kinds[names.find(target)->kind].add(measures, left, right);
    pair.by_layer[target] = measures;
    ++pair.shared;
  }
  pair.whole = whole.mean();
  for (const auto& [kind, sum] : kinds) pair.by_kind[kind] = sum.mean();
  return pair;
}

json json_of(const KeptEnergy& kept) { return {{"values", kept.values}, {"columns", kept.columns}}; }

json json_of(const PairMeasures& measures) {
  return {{"column_cosine", measures.columns.cosine},
          {"absolute_column_cosine", measures.columns.absolute_cosine},
          {"cosine", measures.cosine},
          {"overlap", measures.overlap},
          {"sign_conflict", measures.sign_conflict}};
}

json json_of(const AnalyzedFile& file) {
  json object{{"file", file.path.string()},
              {"layers", file.layers},
              {"norm", file.norm},
              {"kept_energy", json_of(file.kept)}};
  for (const auto& [target, kept] : file.by_layer) object["by_layer"][target] = json_of(kept);
  return object;
}

json json_of(const AnalyzedPair& pair, const AnalyzeResult& result) {
  json object{{"first", result.files[pair.first].path.string()},
              {"second", result.files[pair.second].path.string()},
              {"shared_layers", pair.shared}};
  object.update(json_of(pair.whole));
  for (const auto& [kind, measures] : pair.by_kind) object["by_kind"][name_of(kind)] = json_of(measures);
  for (const auto& [target, measures] : pair.by_layer) object["by_layer"][target] = json_of(measures);
  return object;
}

std::vector<std::string> order_of(const std::vector<Adapter>& adapters, const TargetNames& names) {
  std::vector<std::string> order;
  for (const TargetName& name : names.targets())
    if (std::ranges::any_of(adapters,
                            [&](const Adapter& adapter) { return adapter.layers.contains(name.canonical); }))
      order.push_back(name.canonical);
  return order;
}

void write_figures(const std::filesystem::path& path, AtomicFolder& folder, AnalyzeResult& result) {
  for (const auto& [name, svg] : figures_of(result)) {
    write_text_file(folder / name, svg);
    result.plots.push_back(path / name);
  }
  folder.commit();
}

Architecture common_architecture(const AnalyzeRequest& request) {
  std::vector<std::filesystem::path> files = request.files;
  if (request.merged) files.push_back(*request.merged);
  if (request.effects) return architecture_of_base(resolve_base(request.base));
  return architecture_of(files, request.base);
}

void look_at_merge(const AnalyzeRequest& request, const Architecture& architecture,
                   const std::vector<Adapter>& adapters, ProgressSink& progress, const CancelToken& cancel,
                   AnalyzeResult& result) {
  const std::vector<Adapter> merged =
      read_adapters({*request.merged}, architecture, ignore_unused(request.ignore_unused), progress);
  std::vector<std::string> sha256;
  for (const std::filesystem::path& file : request.files) sha256.push_back(sha256_of_adapter(file));
  const MergeOrigin origin = origin_of(merged.front(), adapters, sha256, progress);
  result.merge = analyze_merge(merged.front(), origin, progress, cancel);
  if (request.effects)
    result.effects =
        analyze_effects(merged.front(), origin, *architecture.base, *request.effects, progress, cancel);
}

void refuse_what_does_not_go_together(const AnalyzeRequest& request) {
  if (request.files.empty() && (!request.course || request.merged))
    throw Error(ErrorKind::kUsage, "analyze", "there is no file to look at",
                "ziplora analyze dog.safetensors ink.safetensors");
  if (request.effects && !request.merged)
    throw Error(ErrorKind::kUsage, "analyze: --effects", "there is no merge that could keep an effect",
                "add --merged FILE");
  if (request.course && !request.plots)
    throw Error(ErrorKind::kUsage, "analyze: --course", "a course is drawn, and there is no place for it",
                "add --plots FOLDER");
}

void look_at_files(const std::vector<Adapter>& adapters, const Architecture& architecture,
                   ProgressSink& progress, const CancelToken& cancel, AnalyzeResult& result) {
  size_t layers = 0;
  for (const Adapter& adapter : adapters) layers += adapter.layers.size();
  {
    Stage stage(progress, "sparsity", static_cast<int64_t>(layers));
    for (const Adapter& adapter : adapters) result.files.push_back(analyzed(adapter, stage, cancel));
  }
  for (size_t first = 0; first < adapters.size(); ++first)
    for (size_t second = first + 1; second < adapters.size(); ++second) {
      const std::vector<AdapterTerm> both = {{&adapters[first]}, {&adapters[second]}};
      Stage stage(progress, "pairs", static_cast<int64_t>(layers_side_by_side(both).size()));
      result.pairs.push_back(compared(adapters, first, second, *architecture.names, stage, cancel));
    }
  result.order = order_of(adapters, *architecture.names);
}

}  // namespace

AnalyzeResult run_analyze(const AnalyzeRequest& request, ProgressSink& progress, const CancelToken& cancel) {
  refuse_what_does_not_go_together(request);
  std::optional<AtomicFolder> plots;  // what it cannot write shows before the work
  if (request.plots) plots.emplace(*request.plots, IfThere::kUpdate);
  AnalyzeResult result;
  if (request.course) result.course = read_learning_course(*request.course);
  if (!request.files.empty()) {
    const Architecture architecture = common_architecture(request);
    const std::vector<Adapter> adapters =
        read_adapters(request.files, architecture, ignore_unused(request.ignore_unused), progress);
    look_at_files(adapters, architecture, progress, cancel, result);
    if (request.merged) look_at_merge(request, architecture, adapters, progress, cancel, result);
  }
  if (plots) write_figures(*request.plots, *plots, result);
  return result;
}

std::vector<std::string> AnalyzeResult::file_names() const {
  std::vector<std::string> names;
  for (const AnalyzedFile& file : files) names.push_back(file.path.filename().string());
  return names;
}

json to_json(const AnalyzeResult& result) {
  json object{{"zeroed", kZeroedShares}, {"files", json::array()}, {"pairs", json::array()}};
  for (const AnalyzedFile& file : result.files) object["files"].push_back(json_of(file));
  for (const AnalyzedPair& pair : result.pairs) object["pairs"].push_back(json_of(pair, result));
  if (result.merge) object["merge"] = to_json(*result.merge, result.file_names());
  if (!result.effects.empty()) object["effects"] = to_json(result.effects, result.file_names());
  for (const std::filesystem::path& plot : result.plots) object["plots"].push_back(plot.string());
  return object;
}

}  // namespace ziplora
