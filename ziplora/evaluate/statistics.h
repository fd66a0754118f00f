#pragma once
/// What a table of methods may claim: means with intervals over the units that vary (pairs of a subject and a style, not
/// images: the images of a pair are not independent), differences between methods on the same units, and a correction
/// for how many of them are looked at.
///
///     Interval subject = bootstrap_mean(scores_by_pair, seed);                  // 0.62 [0.51, 0.71]
///     PairedDifference d = paired_difference(ours_by_pair, direct_by_pair, seed);
///     std::vector<double> p = holm({d.p, …});                                   // over all comparisons of a table
///
/// Sources: Efron & Tibshirani 1993, chapter 13 (percentile bootstrap); Fisher's sign-flip test; Holm 1979.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace ziplora {

/// A statistic of all units, and the 2.5 and 97.5 % quantiles of it over resampled units.
struct Interval {
  double value, low, high;
};

/// Indices of units, each as often as it was drawn → the statistic.
using Statistic = std::function<double(std::span<const size_t> units)>;

/// @param units  at least 1
Interval bootstrap(size_t units, const Statistic& statistic, uint64_t seed, int64_t draws = 10'000);

/// @param values  by unit, at least one
Interval bootstrap_mean(const std::vector<double>& values, uint64_t seed);

struct PairedDifference {
  /// Of the means, first minus second.
  Interval difference;
  /// Two-sided, of the sign-flip test on the mean: exact up to 16 units, from 10,000 draws beyond.
  double p;
};

/// @param first, second  by unit, of the same units in the same order, at least one
PairedDifference paired_difference(const std::vector<double>& first, const std::vector<double>& second,
                                   uint64_t seed);

/// Of two methods' values: the first's statistic minus the second's, over the units named. Where `swapped` says so, by
/// place, a unit's values change sides.
using DifferenceOfStatistics =
    std::function<double(std::span<const size_t> units, const std::vector<bool>& swapped)>;

/// The same for a statistic that is no mean of units, such as a harmonic mean of two means: p is that of exchanging the
/// methods' values, unit by unit.
PairedDifference paired_difference(size_t units, const DifferenceOfStatistics& difference, uint64_t seed);

/// Adjusted p values in the order given: all below α means at most a chance of α of any false claim among them.
std::vector<double> holm(const std::vector<double>& p);

/// 2ab / (a + b); 0 where either is 0 or less, as a cosine may be.
double harmonic_mean(double a, double b);

}  // namespace ziplora
