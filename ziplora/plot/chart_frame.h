#pragma once
/// What the kinds of chart have in common: heading, legend, axes, grid, and where a value lies.
///
///     ChartFrame frame({.title = "Energy kept", .x = x, .y = y, .legend = {{"dog, values"}}});
///     frame.svg().path(…, series_stroke(0));   // frame.at(0.5, 0.9): where (0.5, 0.9) lies
///     std::string file = std::move(frame).finish();

#include <string>
#include <string_view>
#include <vector>

#include "ziplora/plot/svg.h"
#include "ziplora/plot/ticks.h"

namespace ziplora {

/// How a series is drawn.
enum class LineStyle { kSolid, kDashed, kDots };

struct LegendEntry {
  std::string name;
  size_t colour = 0;
  LineStyle style = LineStyle::kSolid;
  bool filled = false;  ///< a square: of bars
};

/// A named stretch of the x axis in place of numbers: a block of the network.
struct AxisSection {
  std::string name;
  double begin, end;
};

struct FrameContent {
  std::string title;
  Axis x, y;
  std::vector<LegendEntry> legend = {};
  std::vector<AxisSection> sections = {};
};

/// Width of every chart, in pixels.
inline constexpr double kChartWidth = 760;

/// Names under an axis, each in the middle of its stretch; where they would touch, only some.
/// @param positions  of sections: their begins and ends in pixels
void draw_section_names(Svg& svg, const std::vector<AxisSection>& positions, double y);

class ChartFrame {
 public:
  explicit ChartFrame(const FrameContent& content);
  /// Beyond the axes' ends: on them.
  SvgPoint at(double x, double y) const;
  Svg& svg() { return svg_; }
  /// The axis' label stands below.
  std::string finish() && { return std::move(svg_).finish(); }

 private:
  void draw_axes(const FrameContent& content);
  const Axis x_, y_;
  const double top_;  // of the plotting area
  Svg svg_;
};

/// The attributes of a series' path.
std::string look_of(LineStyle style, size_t colour);

}  // namespace ziplora
