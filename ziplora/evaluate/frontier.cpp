#include "ziplora/evaluate/frontier.h"

#include <algorithm>

namespace ziplora {

std::vector<Behind> behind_frontier(const std::vector<AxesPoint>& points) {
  std::vector<Behind> found;
  for (const AxesPoint& point : points) {
    Behind& behind = found.emplace_back(Behind{0, {}});
    for (size_t other = 0; other < points.size(); ++other) {
      const double lead = std::min(points[other].subject - point.subject, points[other].style - point.style);
      if (lead > behind.by) behind = {lead, other};
    }
  }
  return found;
}

}  // namespace ziplora
