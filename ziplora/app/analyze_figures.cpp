#include "ziplora/app/analyze_figures.h"

#include <fmt/format.h>

#include "ziplora/app/effect_figures.h"
#include "ziplora/app/layer_charts.h"
#include "ziplora/app/merge_figures.h"
#include "ziplora/plot/line_chart.h"

namespace ziplora {
namespace {

Series kept_series(const std::string& name, const std::array<double, kZeroedShares.size()>& kept,
                   LineStyle style, size_t colour) {
  return {.name = name,
          .x = {kZeroedShares.begin(), kZeroedShares.end()},
          .y = {kept.begin(), kept.end()},
          .style = style,
          .colour = colour};
}

std::string sparsity_figure(const AnalyzeResult& result) {
  LineChart chart{.title = "Energy that is left without the smallest values, or columns, of ΔW",
                  .x = {.label = "share set to zero", .low = 0.5, .high = 1, .percent = true},
                  .y = {.label = "share of Σ ΔW² that is left", .percent = true},
                  .series = {}};
  for (size_t i = 0; i < result.files.size(); ++i) {
    const std::string name = result.files[i].path.filename().string();
    chart.series.push_back(kept_series(name + ", values", result.files[i].kept.values, LineStyle::kSolid, i));
    chart.series.push_back(
        kept_series(name + ", columns", result.files[i].kept.columns, LineStyle::kDashed, i));
  }
  return svg_of(chart);
}

template <class Measure>
ByLayer by_layer(const AnalyzedPair& pair, const Measure& measure) {
  ByLayer values;
  for (const auto& [target, measures] : pair.by_layer) values[target] = measure(measures);
  return values;
}

std::string names_of(const AnalyzedPair& pair, const AnalyzeResult& result) {
  return fmt::format("{} and {}", result.files[pair.first].path.filename().string(),
                     result.files[pair.second].path.filename().string());
}

std::string cosine_figure(const AnalyzedPair& pair, const AnalyzeResult& result) {
  return chart_by_layer(
      "Column cosine of " + names_of(pair, result), "mean over a layer's columns", result.order,
      {{"cosine", by_layer(pair, [](const PairMeasures& of) { return of.columns.cosine; })},
       {"its absolute value",
        by_layer(pair, [](const PairMeasures& of) { return of.columns.absolute_cosine; })}});
}

std::string conflict_figure(const AnalyzedPair& pair, const AnalyzeResult& result) {
  return chart_by_layer(
      "Overlap and sign conflict of " + names_of(pair, result), "share", result.order,
      {{"overlap", by_layer(pair, [](const PairMeasures& of) { return of.overlap; })},
       {"sign conflict", by_layer(pair, [](const PairMeasures& of) { return of.sign_conflict; })}});
}

}  // namespace

std::map<std::string, std::string> figures_of(const AnalyzeResult& result) {
  std::map<std::string, std::string> figures;
  if (!result.files.empty()) figures["sparsity.svg"] = sparsity_figure(result);
  for (const AnalyzedPair& pair : result.pairs) {
    if (pair.by_layer.empty()) continue;
    const std::string numbers =
        result.pairs.size() > 1 ? fmt::format("-{}-{}", pair.first + 1, pair.second + 1) : "";
    figures["column-cosine" + numbers + ".svg"] = cosine_figure(pair, result);
    figures["conflict" + numbers + ".svg"] = conflict_figure(pair, result);
  }
  if (result.merge) figures.merge(figures_of(*result.merge, result.file_names(), result.order));
  if (result.course) figures.merge(figures_of(*result.course));
  figures.merge(figures_of(result.effects, result.file_names(), result.order));
  return figures;
}

}  // namespace ziplora
