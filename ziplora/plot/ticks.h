#pragma once
/// Where an axis has its marks, and what stands beside them.
///
///     ticks_of({.label = "energy kept", .low = 0, .high = 1});   // {0, "0"}, {0.2, "0.2"} …
///
/// Steps are 1, 2 or 5 times a power of ten: people read those (Heckbert, Nice Numbers for Graph Labels, 1990).

#include <span>
#include <string>
#include <vector>

namespace ziplora {

struct Axis {
  std::string label;  ///< with the unit
  double low = 0, high = 1;
  bool percent = false;  ///< shares: 0.5 reads "50 %"
};

struct Tick {
  double at;
  std::string text;
};

/// From `low` to `high`, at most `most`, at least two where the axis has a length.
std::vector<Tick> ticks_of(const Axis& axis, int most = 7);

/// An axis that holds all values that are finite, and 0 if asked; its ends are marks. Without values: from 0 to 1.
Axis axis_for(std::string label, std::span<const double> values, bool with_zero);

}  // namespace ziplora
