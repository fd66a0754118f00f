#include "ziplora/plot/line_chart.h"

#include <fmt/format.h>

#include <cmath>

namespace ziplora {
namespace {

std::string path_of(const Series& series, const ChartFrame& frame) {
  std::string data;
  bool joined = false;
  for (size_t i = 0; i < series.x.size(); ++i) {
    if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) {
      joined = false;
      continue;
    }
    const SvgPoint point = frame.at(series.x[i], series.y[i]);
    const bool dot = series.style == LineStyle::kDots;
    data += fmt::format("{}{} {}{}", joined && !dot ? 'L' : 'M', coordinate(point.x), coordinate(point.y),
                        dot ? "h0" : "");
    joined = true;
  }
  return data;
}

}  // namespace

std::string svg_of(const LineChart& chart) {
  FrameContent content{.title = chart.title, .x = chart.x, .y = chart.y, .sections = chart.sections};
  for (const Series& series : chart.series)
    content.legend.push_back({.name = series.name, .colour = series.colour, .style = series.style});
  ChartFrame frame(content);
  for (const Series& series : chart.series)
    if (const std::string data = path_of(series, frame); !data.empty())
      frame.svg().path(data, look_of(series.style, series.colour));
  return std::move(frame).finish();
}

}  // namespace ziplora
