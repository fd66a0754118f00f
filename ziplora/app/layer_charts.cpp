#include "ziplora/app/layer_charts.h"

#include <algorithm>

#include "ziplora/analyze/layer_place.h"
#include "ziplora/plot/heat_map.h"
#include "ziplora/plot/line_chart.h"

namespace ziplora {
namespace {

std::vector<std::string> layers_of(const std::vector<std::string>& order,
                                   const std::vector<NamedLayers>& series) {
  std::vector<std::string> layers;
  for (const std::string& target : order)
    if (std::ranges::any_of(series, [&](const NamedLayers& one) { return one.values.contains(target); }))
      layers.push_back(target);
  return layers;
}

/// Runs of the same block.
std::vector<AxisSection> sections_of(const std::vector<std::string>& blocks) {
  std::vector<AxisSection> sections;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto place = static_cast<double>(i);
    if (sections.empty() || sections.back().name != blocks[i]) sections.push_back({blocks[i], place, place});
    sections.back().end = place + 1;
  }
  return sections;
}

/// The number of `name`, which is added if it is new.
size_t number_of(const std::string& name, std::vector<std::string>& names) {
  const auto found = std::ranges::find(names, name);
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  names.push_back(name);
  return names.size() - 1;
}

}  // namespace

std::string chart_by_layer(const std::string& title, const std::string& label,
                           const std::vector<std::string>& order, const std::vector<NamedLayers>& series) {
  const std::vector<std::string> layers = layers_of(order, series);
  LineChart chart{.title = title, .x = {}, .y = {}, .series = {}};
  std::vector<double> all;
  for (size_t k = 0; k < series.size(); ++k) {
    Series dots{.name = series[k].name, .x = {}, .y = {}, .style = LineStyle::kDots, .colour = k};
    for (size_t i = 0; i < layers.size(); ++i)
      if (const auto found = series[k].values.find(layers[i]); found != series[k].values.end()) {
        dots.x.push_back(static_cast<double>(i) + 0.5);
        dots.y.push_back(found->second);
      }
    all.insert(all.end(), dots.y.begin(), dots.y.end());
    chart.series.push_back(std::move(dots));
  }
  std::vector<std::string> blocks;
  for (const std::string& target : layers) blocks.push_back(place_of(target).block);
  chart.sections = sections_of(blocks);
  chart.x = {.label = "layers in the order of the network", .high = static_cast<double>(layers.size())};
  chart.y = axis_for(label, all, /*with_zero=*/true);
  return svg_of(chart);
}

std::string map_by_layer(const std::string& title, const Axis& value, const std::vector<std::string>& order,
                         const std::vector<NamedLayers>& series) {
  HeatMap map{.title = title, .value = value, .rows = {}, .panels = {}};
  for (const NamedLayers& one : series) map.panels.push_back({one.name, {}});
  std::vector<std::string> modules, blocks;
  for (const std::string& target : layers_of(order, series)) {
    const LayerPlace place = place_of(target);
    const size_t row = number_of(place.part, map.rows), column = number_of(place.module, modules);
    if (column == blocks.size()) blocks.push_back(place.block);
    for (size_t k = 0; k < series.size(); ++k)
      if (const auto found = series[k].values.find(target); found != series[k].values.end())
        map.panels[k].cells.push_back({row, column, found->second});
  }
  map.columns = modules.size();
  map.sections = sections_of(blocks);
  return svg_of(map);
}

}  // namespace ziplora
