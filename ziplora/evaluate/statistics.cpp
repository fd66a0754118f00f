#include "ziplora/evaluate/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

/// Between neighbours by their distance, as numpy's default.
double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

constexpr size_t kMostExact = 16;

/// Sums that are equal but for rounding count as equal.
bool as_far(double value, double observed) {
  return std::abs(value) >= std::abs(observed) * (1 - 1e-12) - 1e-15;
}

/// The observed sides count as one of the draws, so that p is never 0.
double drawn_p(size_t units, const std::function<double(const std::vector<bool>&)>& difference,
               double observed, uint64_t seed) {
  constexpr int kDraws = 10'000;
  std::mt19937_64 random(derive_seed(seed, "signs"));
  std::vector<bool> swapped(units);
  int count = 1;
  for (int draw = 0; draw < kDraws; ++draw) {
    uint64_t bits = 0;
    for (size_t i = 0; i < units; ++i) {
      if (i % 64 == 0) bits = random();
      swapped[i] = (bits >> (i % 64) & 1) != 0;
    }
    count += as_far(difference(swapped), observed);
  }
  return static_cast<double>(count) / (kDraws + 1);
}

/// Two-sided, of exchanging the sides of units at random: exact for few.
double swap_p(size_t units, const std::function<double(const std::vector<bool>&)>& difference,
              uint64_t seed) {
  std::vector<bool> swapped(units, false);
  const double observed = difference(swapped);
  if (units > kMostExact) return drawn_p(units, difference, observed, seed);
  const uint64_t choices = uint64_t{1} << units;
  uint64_t count = 0;
  for (uint64_t bits = 0; bits < choices; ++bits) {
    for (size_t i = 0; i < units; ++i) swapped[i] = (bits >> i & 1) != 0;
    count += as_far(difference(swapped), observed);
  }
  return static_cast<double>(count) / static_cast<double>(choices);
}

}  // namespace

Interval bootstrap(size_t units, const Statistic& statistic, uint64_t seed, int64_t draws) {
  std::vector<size_t> chosen(units);
  std::iota(chosen.begin(), chosen.end(), size_t{0});
  const double value = statistic(chosen);
  std::mt19937_64 random(derive_seed(seed, "bootstrap"));
  std::vector<double> drawn;
  drawn.reserve(static_cast<size_t>(draws));
  for (int64_t draw = 0; draw < draws; ++draw) {
    for (size_t& unit : chosen) unit = random() % units;  // biased by less than units / 2⁶⁴
    drawn.push_back(statistic(chosen));
  }
  std::sort(drawn.begin(), drawn.end());
  return {value, quantile(drawn, 0.025), quantile(drawn, 0.975)};
}

Interval bootstrap_mean(const std::vector<double>& values, uint64_t seed) {
  return bootstrap(
      values.size(),
      [&](std::span<const size_t> units) {
        double sum = 0;
        for (const size_t unit : units) sum += values[unit];
        return sum / static_cast<double>(units.size());
      },
      seed);
}

PairedDifference paired_difference(size_t units, const DifferenceOfStatistics& difference, uint64_t seed) {
  const std::vector<bool> as_observed(units, false);
  std::vector<size_t> every(units);
  std::iota(every.begin(), every.end(), size_t{0});
  return {bootstrap(
              units, [&](std::span<const size_t> chosen) { return difference(chosen, as_observed); }, seed),
          swap_p(
              units, [&](const std::vector<bool>& swapped) { return difference(every, swapped); }, seed)};
}

PairedDifference paired_difference(const std::vector<double>& first, const std::vector<double>& second,
                                   uint64_t seed) {
  const auto mean_difference = [&](std::span<const size_t> units, const std::vector<bool>& swapped) {
    double sum = 0;
    for (size_t i = 0; i < units.size(); ++i) {
      const double difference = first[units[i]] - second[units[i]];
      sum += swapped[i] ? -difference : difference;
    }
    return sum / static_cast<double>(units.size());
  };
  return paired_difference(first.size(), mean_difference, seed);
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    largest = std::max(largest, std::min(1.0, p[order[rank]] * static_cast<double>(p.size() - rank)));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double harmonic_mean(double a, double b) { return a <= 0 || b <= 0 ? 0 : 2 * a * b / (a + b); }

}  // namespace ziplora
