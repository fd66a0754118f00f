#include "ziplora/plot/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace ziplora {
namespace {

constexpr double kMapLeft = 150, kMapRight = 20, kScaleTop = 38, kFirstPanel = 66, kRow = 14,
                 kPanelTitle = 26, kMapBelow = 36, kScaleWidth = 180;
/// Cells of one colour are one path, which keeps the file small; more colours nobody can tell apart.
constexpr int kLevels = 24;

/// Viridis (Smith and van der Walt, matplotlib), whose lightness grows evenly, at five of its colours.
constexpr std::array<std::array<double, 3>, 5> kStops = {
    {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}}};

std::string colour_of(int level) {
  const double place = static_cast<double>(level) / (kLevels - 1) * (kStops.size() - 1);
  const auto below = std::min(static_cast<size_t>(place), kStops.size() - 2);
  const double part = place - static_cast<double>(below);
  std::array<int, 3> mixed{};
  for (size_t i = 0; i < 3; ++i)
    mixed[i] =
        static_cast<int>(std::lround(kStops[below][i] + part * (kStops[below + 1][i] - kStops[below][i])));
  return fmt::format("#{:02x}{:02x}{:02x}", mixed[0], mixed[1], mixed[2]);
}

int level_of(const Axis& axis, double value) {
  const double share = axis.high > axis.low ? (value - axis.low) / (axis.high - axis.low) : 0.5;
  return static_cast<int>(std::lround(std::clamp(share, 0.0, 1.0) * (kLevels - 1)));
}

void draw_scale(Svg& svg, const Axis& axis) {
  for (int level = 0; level < kLevels; ++level)
    svg.rectangle({kMapLeft + level * kScaleWidth / kLevels, kScaleTop}, kScaleWidth / kLevels + 0.3, 10,
                  colour_of(level));
  const std::vector<Tick> ends = ticks_of(axis, 3);
  svg.text({kMapLeft - 8, kScaleTop + 9}, ends.front().text, {.anchor = Anchor::kEnd});
  svg.text({kMapLeft + kScaleWidth + 8, kScaleTop + 9}, fmt::format("{}   {}", ends.back().text, axis.label));
}

double cell_width(const HeatMap& map) {
  return (kChartWidth - kMapLeft - kMapRight) / static_cast<double>(std::max<size_t>(map.columns, 1));
}

void draw_panel(Svg& svg, const HeatMap& map, const HeatMap::Panel& panel, double top) {
  svg.text({kMapLeft, top - 6}, shortened(panel.name, 80));
  for (size_t row = 0; row < map.rows.size(); ++row)
    svg.text({kMapLeft - 8, top + kRow * static_cast<double>(row) + 11}, shortened(map.rows[row], 20),
             {.anchor = Anchor::kEnd});
  const double width = cell_width(map), gap = width > 4 ? 1 : 0;
  std::map<int, std::string> paths;
  for (const HeatMap::Cell& cell : panel.cells)
    if (std::isfinite(cell.value))
      paths[level_of(map.value, cell.value)] +=
          fmt::format("M{} {}h{}v{}h-{}z", coordinate(kMapLeft + width * static_cast<double>(cell.column)),
                      coordinate(top + kRow * static_cast<double>(cell.row)), coordinate(width - gap),
                      kRow - 1, coordinate(width - gap));
  for (const auto& [level, path] : paths) svg.path(path, fmt::format("fill=\"{}\"", colour_of(level)));
}

}  // namespace

std::string svg_of(const HeatMap& map) {
  const double panel = kRow * static_cast<double>(map.rows.size()) + kPanelTitle;
  const double bottom = kFirstPanel + panel * static_cast<double>(map.panels.size());
  Svg svg(kChartWidth, bottom + kMapBelow, map.title);
  svg.text({16, 22}, shortened(map.title, 84), {.heading = true});
  draw_scale(svg, map.value);
  std::vector<AxisSection> positions;
  for (const AxisSection& section : map.sections) {
    const double begin = kMapLeft + section.begin * cell_width(map);
    if (section.begin > 0) svg.grid_line({begin - 0.5, kFirstPanel + kPanelTitle}, {begin - 0.5, bottom + 4});
    positions.push_back({section.name, begin, kMapLeft + section.end * cell_width(map)});
  }
  for (size_t i = 0; i < map.panels.size(); ++i)
    draw_panel(svg, map, map.panels[i], kFirstPanel + kPanelTitle + panel * static_cast<double>(i));
  draw_section_names(svg, positions, bottom + 18);
  return std::move(svg).finish();
}

}  // namespace ziplora
