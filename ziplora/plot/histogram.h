#pragma once
/// How often values lie in each of some bins, of one or several groups.
///
///     Histogram histogram{.title = "Coefficients", .x = {"m", -0.5, 1.5}, .y_label = "share", .groups = {{"dog", shares}}};
///     write_text_file("coefficients.svg", svg_of(histogram));

#include <string>
#include <vector>

#include "ziplora/plot/chart_frame.h"

namespace ziplora {

struct Histogram {
  struct Group {
    std::string name;
    /// Of bins of one width, from x.low to x.high.
    std::vector<double> shares;
  };
  std::string title;
  Axis x;
  std::string y_label;
  /// Drawn over each other, with what is behind shining through.
  std::vector<Group> groups;
};

std::string svg_of(const Histogram& histogram);

}  // namespace ziplora
