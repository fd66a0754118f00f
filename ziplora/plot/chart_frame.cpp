#include "ziplora/plot/chart_frame.h"

#include <fmt/format.h>

#include <algorithm>

namespace ziplora {
namespace {

constexpr double kLeft = 74, kRight = 20, kBelow = 56, kPlotHeight = 300, kLegendTop = 36, kLegendRow = 18,
                 kSample = 26;
constexpr size_t kLongestName = 44;

struct PlacedEntry {
  const LegendEntry* entry;
  std::string text;
  double x;
  int row;
};

std::vector<PlacedEntry> placed(const std::vector<LegendEntry>& legend) {
  std::vector<PlacedEntry> result;
  double x = kLeft;
  int row = 0;
  for (const LegendEntry& entry : legend) {
    std::string text = shortened(entry.name, kLongestName);
    const double width = kSample + text_width(text) + 22;
    if (x > kLeft && x + width > kChartWidth) x = kLeft, ++row;
    result.push_back({&entry, std::move(text), x, row});
    x += width;
  }
  return result;
}

double top_of(const FrameContent& content) {
  const std::vector<PlacedEntry> legend = placed(content.legend);
  return kLegendTop + (legend.empty() ? 4 : kLegendRow * (legend.back().row + 1) + 8);
}

void draw_sample(Svg& svg, const LegendEntry& entry, double x, double y) {
  if (entry.filled) return svg.rectangle({x + 6, y - 6}, 12, 12, series_colour(entry.colour));
  const std::string data = entry.style == LineStyle::kDots
                               ? fmt::format("M{0} {1}h0M{2} {1}h0M{3} {1}h0", coordinate(x + 4),
                                             coordinate(y), coordinate(x + 11), coordinate(x + 18))
                               : fmt::format("M{} {}h22", coordinate(x), coordinate(y));
  svg.path(data, look_of(entry.style, entry.colour));
}

}  // namespace

std::string look_of(LineStyle style, size_t colour) {
  switch (style) {
    case LineStyle::kDots:
      return fmt::format(
          R"(fill="none" stroke="{}" stroke-width="4.5" stroke-linecap="round" stroke-opacity=".8")",
          series_colour(colour));
    case LineStyle::kDashed:
      return series_stroke(colour) + R"( stroke-dasharray="6 4")";
    case LineStyle::kSolid:
      break;
  }
  return series_stroke(colour);
}

void draw_section_names(Svg& svg, const std::vector<AxisSection>& positions, double y) {
  double free_from = 0;
  for (const AxisSection& section : positions) {
    const double middle = (section.begin + section.end) / 2, half = text_width(section.name) / 2;
    if (middle - half < free_from) continue;
    svg.text({middle, y}, section.name, {.anchor = Anchor::kMiddle});
    free_from = middle + half + 4;
  }
}

ChartFrame::ChartFrame(const FrameContent& content)
    : x_(content.x),
      y_(content.y),
      top_(top_of(content)),
      svg_(kChartWidth, top_ + kPlotHeight + kBelow, content.title) {
  svg_.text({16, 22}, shortened(content.title, 84), {.heading = true});
  for (const PlacedEntry& entry : placed(content.legend)) {
    const double y = kLegendTop + kLegendRow * entry.row + 6;
    draw_sample(svg_, *entry.entry, entry.x, y);
    svg_.text({entry.x + kSample, y + 4}, entry.text);
  }
  draw_axes(content);
}

SvgPoint ChartFrame::at(double x, double y) const {
  const auto share = [](const Axis& axis, double value) {
    return axis.high > axis.low ? std::clamp((value - axis.low) / (axis.high - axis.low), 0.0, 1.0) : 0.5;
  };
  return {kLeft + share(x_, x) * (kChartWidth - kLeft - kRight), top_ + (1 - share(y_, y)) * kPlotHeight};
}

void ChartFrame::draw_axes(const FrameContent& content) {
  const double bottom = top_ + kPlotHeight, right = kChartWidth - kRight;
  for (const Tick& tick : ticks_of(y_)) {
    const double y = at(x_.low, tick.at).y;
    if (tick.at == 0 && y_.low < 0)
      svg_.axis_line({kLeft, y}, {right, y});
    else
      svg_.grid_line({kLeft, y}, {right, y});
    svg_.text({kLeft - 8, y + 4}, tick.text, {.anchor = Anchor::kEnd});
  }
  svg_.axis_line({kLeft, bottom}, {right, bottom});
  if (content.sections.empty())
    for (const Tick& tick : ticks_of(x_, 9)) {
      const double x = at(tick.at, y_.low).x;
      svg_.axis_line({x, bottom}, {x, bottom + 4});
      svg_.text({x, bottom + 18}, tick.text, {.anchor = Anchor::kMiddle});
    }
  std::vector<AxisSection> positions;
  for (const AxisSection& section : content.sections) {
    const double begin = at(section.begin, y_.low).x;
    if (begin > kLeft) svg_.grid_line({begin, top_}, {begin, bottom});
    positions.push_back({section.name, begin, at(section.end, y_.low).x});
  }
  draw_section_names(svg_, positions, bottom + 18);
  svg_.text({(kLeft + right) / 2, bottom + 42}, x_.label, {.anchor = Anchor::kMiddle});
  svg_.text({18, top_ + kPlotHeight / 2}, y_.label, {.anchor = Anchor::kMiddle, .upwards = true});
}

}  // namespace ziplora
