#pragma once
/// Ways of merging move along a trade-off between subject and style. On its frontier are those that no other is ahead of in
/// both; how far the others lie behind it is one number.
///
///     std::vector<Behind> behind = behind_frontier({{0.62, 0.80}, {0.50, 0.70}});
///     behind[1].by;     // 0.1: with 0.1 more of both, nothing would be ahead of it in both
///     behind[1].leads;  // 0
///
/// Source: the additive ε-indicator of a single point (Zitzler et al. 2003, IEEE Trans. Evol. Comput. 7(2)).

#include <cstddef>
#include <optional>
#include <vector>

namespace ziplora {

/// What one way of merging reaches on the two axes: cosines or shares.
struct AxesPoint {
  double subject, style;
};

struct Behind {
  /// The least that must be added to both figures so that no point is ahead in both; 0 on the frontier.
  double by;
  /// The point that is furthest ahead in both; nothing on the frontier.
  std::optional<size_t> leads;
};

/// By point. O(n²): tables have tens of rows.
std::vector<Behind> behind_frontier(const std::vector<AxesPoint>& points);

}  // namespace ziplora
