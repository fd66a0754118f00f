#include "ziplora/app/merge_figures.h"

#include <fmt/format.h>

#include "ziplora/app/layer_charts.h"
#include "ziplora/plot/histogram.h"

namespace ziplora {
namespace {

using Files = std::vector<std::string>;
using Order = std::vector<std::string>;

std::string histogram_of(const AnalyzedMerge& merge, const Files& files) {
  Histogram histogram{
      .title = "Coefficients of " + merge.path.filename().string(),
      .x = {.label = "coefficient m of an input column; what lies beyond is in the outer bars",
            .low = kLowestBin,
            .high = kHighestBin},
      .y_label = "share of the scaled layers' columns",
      .groups = {}};
  for (const AdapterInMerge& adapter : merge.adapters)
    histogram.groups.push_back({files[adapter.file], {adapter.histogram.begin(), adapter.histogram.end()}});
  return svg_of(histogram);
}

std::string coefficient_map(const AnalyzedMerge& merge, const Files& files, const Order& order) {
  std::vector<NamedLayers> panels;
  for (const AdapterInMerge& adapter : merge.adapters) {
    NamedLayers& panel = panels.emplace_back(NamedLayers{files[adapter.file], {}});
    for (const auto& [target, shares] : adapter.by_layer) panel.values[target] = shares.mean_absolute;
  }
  return map_by_layer("Coefficients of " + merge.path.filename().string() + " by layer",
                      {.label = "mean |m| of a layer's columns", .low = 0, .high = 1}, order, panels);
}

using Measure = double BeforeAndAfterMerge::*;

std::string before_and_after(const PairInMerge& pair, const std::string& title, const std::string& label,
                             Measure before, Measure after, const Order& order) {
  NamedLayers first{"added", {}}, second{"in the merge", {}};
  for (const auto& [target, found] : pair.by_layer) {
    first.values[target] = found.*before;
    second.values[target] = found.*after;
  }
  return chart_by_layer(title, label, order, {first, second});
}

}  // namespace

std::map<std::string, std::string> figures_of(const AnalyzedMerge& merge, const Files& files,
                                              const Order& order) {
  std::map<std::string, std::string> figures;
  if (merge.has_coefficients) {
    figures["coefficients.svg"] = histogram_of(merge, files);
    figures["coefficients-by-layer.svg"] = coefficient_map(merge, files, order);
  }
  for (const PairInMerge& pair : merge.pairs) {
    const std::string numbers =
        merge.pairs.size() > 1 ? fmt::format("-{}-{}", pair.first + 1, pair.second + 1) : "";
    const std::string names = fmt::format("{} and {}", files[pair.first], files[pair.second]);
    figures["column-cosine-merged" + numbers + ".svg"] =
        before_and_after(pair, "Column cosine of " + names, "mean over a layer's columns",
                         &BeforeAndAfterMerge::cosine_before, &BeforeAndAfterMerge::cosine_after, order);
    figures["interference" + numbers + ".svg"] = before_and_after(
        pair, "Interference of " + names, "Σ |⟨a, b⟩| / Σ ‖a‖ ‖b‖ over columns",
        &BeforeAndAfterMerge::interference_before, &BeforeAndAfterMerge::interference_after, order);
  }
  return figures;
}

}  // namespace ziplora
