#pragma once
/// A number for each cell of a grid, as a colour: one panel for each thing that is compared, below each other.
///
///     HeatMap map{.title = "Mean |m|", .value = {"mean |m|", 0, 1}, .rows = {"attn1.to_q", …}, .columns = 70,
///                 .panels = {{"dog", {{.row = 0, .column = 3, .value = 0.4}, …}}}};
///     write_text_file("coefficients-by-layer.svg", svg_of(map));

#include <cstddef>
#include <string>
#include <vector>

#include "ziplora/plot/chart_frame.h"

namespace ziplora {

struct HeatMap {
  struct Cell {
    size_t row, column;
    double value;
  };
  struct Panel {
    std::string name;
    /// Places without a cell stay empty.
    std::vector<Cell> cells;
  };
  std::string title;
  /// What the colours mean; values beyond its ends have the ends' colours.
  Axis value;
  std::vector<std::string> rows;
  size_t columns = 0;
  std::vector<Panel> panels;
  /// Of columns: begin and end are their numbers.
  std::vector<AxisSection> sections = {};
};

std::string svg_of(const HeatMap& map);

}  // namespace ziplora
