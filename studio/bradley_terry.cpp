#include "studio/bradley_terry.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <utility>

namespace ziplora::studio {
namespace {

constexpr int kMostRounds = 10'000;
constexpr double kConverged = 1e-10;

/// What the comparisons come to: wins, and how often two met.
struct Counts {
  std::vector<double> wins;
  std::map<std::pair<size_t, size_t>, double> met;
};

Counts count(size_t contenders, const std::vector<Comparison>& comparisons) {
  Counts counts{std::vector<double>(contenders), {}};
  for (const Comparison& comparison : comparisons) {
    counts.wins[comparison.first] += comparison.first_score;
    counts.wins[comparison.second] += 1 - comparison.first_score;
    counts.met[std::minmax(comparison.first, comparison.second)] += 1;
  }
  return counts;
}

/// One round of equation 3: every strength from those before.
std::vector<double> next(const Counts& counts, const std::vector<double>& strengths, double phantom_games) {
  std::vector<double> denominators(strengths.size()), updated(strengths.size());
  for (const auto& [pair, times] : counts.met) {
    const double share = times / (strengths[pair.first] + strengths[pair.second]);
    denominators[pair.first] += share;
    denominators[pair.second] += share;
  }
  for (size_t i = 0; i < strengths.size(); ++i) {
    const double denominator = denominators[i] + phantom_games / (strengths[i] + 1);
    updated[i] = denominator > 0 ? (counts.wins[i] + phantom_games / 2) / denominator : 1;
  }
  return updated;
}

}  // namespace

std::vector<double> bradley_terry(size_t contenders, const std::vector<Comparison>& comparisons,
                                  double phantom_games) {
  const Counts counts = count(contenders, comparisons);
  std::vector<double> strengths(contenders, 1);
  for (int round = 0; round < kMostRounds; ++round) {
    const std::vector<double> updated = next(counts, strengths, phantom_games);
    double largest = 0;
    for (size_t i = 0; i < contenders; ++i)
      largest = std::max(largest, std::abs(updated[i] - strengths[i]) / std::max(1e-300, strengths[i]));
    strengths = updated;
    if (largest < kConverged) break;
  }
  std::vector<double> logs;
  for (const double strength : strengths) logs.push_back(std::log(std::max(strength, 1e-300)));
  const double mean =
      contenders ? std::accumulate(logs.begin(), logs.end(), 0.0) / static_cast<double>(contenders) : 0;
  for (double& one : logs) one -= mean;
  return logs;
}

std::vector<Interval> bootstrap_intervals(size_t contenders, const std::vector<Comparison>& comparisons,
                                          size_t resamples, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::vector<double>> found(contenders);
  for (size_t sample = 0; sample < resamples && !comparisons.empty(); ++sample) {
    std::vector<Comparison> drawn;
    for (size_t i = 0; i < comparisons.size(); ++i)
      drawn.push_back(comparisons[random() % comparisons.size()]);
    const std::vector<double> strengths = bradley_terry(contenders, drawn);
    for (size_t i = 0; i < contenders; ++i) found[i].push_back(strengths[i]);
  }
  std::vector<Interval> intervals;
  for (std::vector<double>& values : found) {
    if (values.empty()) values = {0};
    std::ranges::sort(values);
    const auto at = [&](double share) {
      return values[static_cast<size_t>(std::lround(share * static_cast<double>(values.size() - 1)))];
    };
    intervals.push_back({at(0.025), at(0.975)});
  }
  return intervals;
}

}  // namespace ziplora::studio
