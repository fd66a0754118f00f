#include "ziplora/plot/histogram.h"

#include <fmt/format.h>

namespace ziplora {
namespace {

/// The outline of all bars.
std::string outline_of(const Histogram::Group& group, const Axis& x, const ChartFrame& frame) {
  const double width = (x.high - x.low) / static_cast<double>(group.shares.size());
  const SvgPoint start = frame.at(x.low, 0);
  std::string data = fmt::format("M{} {}", coordinate(start.x), coordinate(start.y));
  for (size_t i = 0; i < group.shares.size(); ++i)
    data += fmt::format("V{}H{}", coordinate(frame.at(x.low, group.shares[i]).y),
                        coordinate(frame.at(x.low + width * static_cast<double>(i + 1), 0).x));
  return data + fmt::format("V{}Z", coordinate(start.y));
}

}  // namespace

std::string svg_of(const Histogram& histogram) {
  std::vector<double> shares;
  FrameContent content{.title = histogram.title, .x = histogram.x, .y = {}};
  for (size_t i = 0; i < histogram.groups.size(); ++i) {
    const Histogram::Group& group = histogram.groups[i];
    shares.insert(shares.end(), group.shares.begin(), group.shares.end());
    content.legend.push_back({.name = group.name, .colour = i, .filled = true});
  }
  content.y = axis_for(histogram.y_label, shares, /*with_zero=*/true);
  content.y.percent = true;
  ChartFrame frame(content);
  for (size_t i = 0; i < histogram.groups.size(); ++i)
    frame.svg().path(
        outline_of(histogram.groups[i], histogram.x, frame),
        fmt::format(R"(fill="{0}" fill-opacity=".4" stroke="{0}" stroke-width="1.5")", series_colour(i)));
  return std::move(frame).finish();
}

}  // namespace ziplora
