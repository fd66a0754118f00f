#include "ziplora/plot/ticks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ziplora {
namespace {

double nice_step(double length, int most) {
  const double rough = length / std::max(most - 1, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= rough * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

std::string text_of(double value, double step, bool percent) {
  if (percent) value *= 100, step *= 100;
  if (std::abs(value) < step * 1e-6) value = 0;
  const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
  const bool plain = std::abs(value) < 1e6 && step >= 1e-5;
  const std::string size =
      plain ? fmt::format("{:.{}f}", std::abs(value), digits) : fmt::format("{:.3g}", std::abs(value));
  return (value < 0 ? "−" : "") + size + (percent ? " %" : "");
}

}  // namespace

std::vector<Tick> ticks_of(const Axis& axis, int most) {
  const double length = axis.high - axis.low;
  if (!(length > 0)) return {{axis.low, text_of(axis.low, 1, axis.percent)}};
  const double step = nice_step(length, most);
  std::vector<Tick> ticks;
  const auto last = static_cast<int64_t>(std::floor(axis.high / step + 1e-6));
  for (auto i = static_cast<int64_t>(std::ceil(axis.low / step - 1e-6)); i <= last; ++i) {
    const double at = static_cast<double>(i) * step;
    ticks.push_back({at, text_of(at, step, axis.percent)});
  }
  return ticks;
}

Axis axis_for(std::string label, std::span<const double> values, bool with_zero) {
  double low = INFINITY, high = -INFINITY;
  for (const double value : values)
    if (std::isfinite(value)) low = std::min(low, value), high = std::max(high, value);
  if (low > high) return {.label = std::move(label)};
  if (with_zero) low = std::min(low, 0.0), high = std::max(high, 0.0);
  if (low == high) low -= 0.5, high += 0.5;
  const double step = nice_step(high - low, 7);
  return {.label = std::move(label),
          .low = std::floor(low / step + 1e-6) * step,
          .high = std::ceil(high / step - 1e-6) * step};
}

}  // namespace ziplora
