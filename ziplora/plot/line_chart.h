#pragma once
/// Numbers over numbers: lines, or dots where neighbours have nothing to do with each other.
///
///     LineChart chart{.title = "Energy kept", .x = {"set to zero", 0.5, 1, true}, .y = {"kept", 0, 1}, .series = {…}};
///     write_text_file("sparsity.svg", svg_of(chart));

#include <string>
#include <vector>

#include "ziplora/plot/chart_frame.h"

namespace ziplora {

struct Series {
  std::string name;
  /// As many; a value that is not finite leaves a gap.
  std::vector<double> x, y;
  LineStyle style = LineStyle::kSolid;
  size_t colour = 0;
};

struct LineChart {
  std::string title;
  Axis x, y;
  std::vector<Series> series;
  /// In place of numbers under the x axis.
  std::vector<AxisSection> sections = {};
};

std::string svg_of(const LineChart& chart);

}  // namespace ziplora
