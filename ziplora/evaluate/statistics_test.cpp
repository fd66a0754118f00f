#include "ziplora/evaluate/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace ziplora {
namespace {

using Values = std::vector<double>;

TEST(Bootstrap, OfEqualValuesHasNoWidth) {
  const Interval interval = bootstrap_mean({0.5, 0.5, 0.5}, 1);
  EXPECT_EQ(interval.value, 0.5);
  EXPECT_EQ(interval.low, 0.5);
  EXPECT_EQ(interval.high, 0.5);
}

/// With n units of variance s² the quantiles of the mean lie at ± 1.96 s √((n−1)/n) / √n.
TEST(Bootstrap, HasTheWidthOfTheMeansDistribution) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal(2, 3);
  Values values(400);
  double sum = 0, squares = 0;
  for (double& value : values) sum += value = normal(random);
  for (const double value : values) squares += std::pow(value - sum / 400, 2);
  const double deviation = std::sqrt(squares / 400) / 20;
  const Interval interval = bootstrap_mean(values, 3);
  EXPECT_NEAR(interval.value, sum / 400, 1e-12);
  EXPECT_NEAR((interval.high - interval.low) / (2 * 1.96 * deviation), 1, 0.04);
  EXPECT_NEAR((interval.high + interval.low) / 2, interval.value, 0.1 * deviation);
}

TEST(Bootstrap, ResamplesUnitsTogether) {
  const Values a{1, 2, 3, 4}, b{4, 3, 2, 1};  // their sum is 5 in every unit
  const Interval interval = bootstrap(
      4,
      [&](std::span<const size_t> units) {
        double sum = 0;
        for (const size_t unit : units) sum += a[unit] + b[unit];
        return sum / static_cast<double>(units.size());
      },
      5);
  EXPECT_EQ(interval.low, 5);
  EXPECT_EQ(interval.high, 5);
}

TEST(Bootstrap, TheSeedDecides) {
  const Values values{1, 5, 2, 8, 3};
  EXPECT_EQ(bootstrap_mean(values, 1).low, bootstrap_mean(values, 1).low);
  const auto width = [&](uint64_t seed) {
    const Interval interval = bootstrap_mean(values, seed);
    return interval.high - interval.low;
  };
  EXPECT_NEAR(width(1) / width(2), 1, 0.05);
}

/// All eight choices of signs of 1, 2, 4 have other sums; two of them are as far from 0 as 7.
TEST(PairedDifference, CountsEveryChoiceOfSigns) {
  const PairedDifference found = paired_difference({2, 4, 8}, {1, 2, 4}, 1);
  EXPECT_NEAR(found.difference.value, 7.0 / 3, 1e-12);
  EXPECT_EQ(found.p, 0.25);
  EXPECT_EQ(paired_difference({1, 2}, {2, 1}, 1).p, 1);
  EXPECT_EQ(paired_difference({1, 2, 4}, {2, 4, 8}, 1).p, 0.25);
}

TEST(PairedDifference, DrawsSignsWhereThereAreTooMany) {
  const PairedDifference sure = paired_difference(Values(40, 1), Values(40, 0), 1);
  EXPECT_NEAR(sure.p, 1.0 / 10'001, 1e-12);
  Values mixed(40, 1);
  for (size_t i = 0; i < 40; i += 2) mixed[i] = -1;
  EXPECT_EQ(paired_difference(mixed, Values(40, 0), 1).p, 1);
}

/// A harmonic mean of two means is no mean of units: exchanging both values of a unit tests it.
TEST(PairedDifference, TestsOtherStatisticsByExchange) {
  const Values a_first{1, 0, 1}, b_first{1, 1, 0}, a_second{0, 0, 1}, b_second{1, 0, 0};
  const auto difference = [&](std::span<const size_t> units, const std::vector<bool>& swapped) {
    double a[2] = {0, 0}, b[2] = {0, 0};
    for (size_t i = 0; i < units.size(); ++i) {
      const size_t side = swapped[i] ? 1 : 0;
      a[side] += a_first[units[i]], b[side] += b_first[units[i]];
      a[1 - side] += a_second[units[i]], b[1 - side] += b_second[units[i]];
    }
    return harmonic_mean(a[0] / 3, b[0] / 3) - harmonic_mean(a[1] / 3, b[1] / 3);
  };
  const PairedDifference found = paired_difference(3, difference, 1);
  EXPECT_NEAR(found.difference.value, 2.0 / 3 - 1.0 / 3, 1e-12);
  // Of eight exchanges, those of nothing, of the third unit (which is alike on both sides), and their opposites.
  EXPECT_EQ(found.p, 0.5);
}

/// Of pure noise p is uniform: a twentieth of it is below 0.05.
TEST(PairedDifference, ClaimsNothingOfNoise) {
  std::mt19937_64 random(11);
  std::normal_distribution<double> normal;
  int claims = 0;
  for (int table = 0; table < 100; ++table) {
    Values first(10), second(10);
    for (double& value : first) value = normal(random);
    for (double& value : second) value = normal(random);
    claims += paired_difference(first, second, 1).p < 0.05;
  }
  EXPECT_NEAR(claims / 100.0, 0.05, 0.065);  // three deviations
}

/// Holm 1979: 0.01 · 4, 0.015 · 3, then the larger of that and 0.02 · 2, then 0.5.
TEST(Holm, AdjustsInOrderOfSize) {
  const Values adjusted = holm({0.5, 0.01, 0.02, 0.015});
  EXPECT_NEAR(adjusted[1], 0.04, 1e-12);
  EXPECT_NEAR(adjusted[3], 0.045, 1e-12);
  EXPECT_NEAR(adjusted[2], 0.045, 1e-12);
  EXPECT_NEAR(adjusted[0], 0.5, 1e-12);
  EXPECT_EQ(holm({0.9, 0.8}), (Values{1, 1}));
}

TEST(HarmonicMean, IsNothingWithoutOneOfThem) {
  EXPECT_NEAR(harmonic_mean(0.5, 1), 2.0 / 3, 1e-12);
  EXPECT_EQ(harmonic_mean(0, 1), 0);
  EXPECT_EQ(harmonic_mean(-0.1, 1), 0);
}

}  // namespace
}  // namespace ziplora
