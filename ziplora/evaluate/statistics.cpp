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

/// |Σ ±d| of every choice of signs, as the bits of `signs` say.
double flipped_sum(const std::vector<double>& differences, uint64_t signs) {
  double sum = 0;
  for (size_t i = 0; i < differences.size(); ++i) sum += (signs >> i & 1) ? differences[i] : -differences[i];
  return std::abs(sum);
}

/// The observed signs count as one of the draws, so that p is never 0.
double drawn_p(const std::vector<double>& differences, double observed, uint64_t seed) {
  constexpr int kDraws = 10'000;
  std::mt19937_64 random(derive_seed(seed, "signs"));
  int as_far = 1;
  for (int draw = 0; draw < kDraws; ++draw) {
    double sum = 0;
    uint64_t signs = 0;
    for (size_t i = 0; i < differences.size(); ++i) {
      if (i % 64 == 0) signs = random();
      sum += (signs >> (i % 64) & 1) ? differences[i] : -differences[i];
    }
    as_far += std::abs(sum) >= observed;
  }
  return static_cast<double>(as_far) / (kDraws + 1);
}

double sign_flip_p(const std::vector<double>& differences, uint64_t seed) {
  constexpr size_t kMostExact = 16;
  // Sums that are equal but for rounding count as equal.
  const double observed =
      std::abs(std::accumulate(differences.begin(), differences.end(), 0.0)) * (1 - 1e-12);
  if (differences.size() > kMostExact) return drawn_p(differences, observed, seed);
  const uint64_t choices = uint64_t{1} << differences.size();
  uint64_t as_far = 0;
  for (uint64_t signs = 0; signs < choices; ++signs) as_far += flipped_sum(differences, signs) >= observed;
  return static_cast<double>(as_far) / static_cast<double>(choices);
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

PairedDifference paired_difference(const std::vector<double>& first, const std::vector<double>& second,
                                   uint64_t seed) {
  std::vector<double> differences(first.size());
  for (size_t i = 0; i < first.size(); ++i) differences[i] = first[i] - second[i];
  return {bootstrap_mean(differences, seed), sign_flip_p(differences, seed)};
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
