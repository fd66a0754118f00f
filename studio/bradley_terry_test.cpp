#include "studio/bradley_terry.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ziplora::studio {
namespace {

std::vector<Comparison> repeated(size_t first, size_t second, int wins, int losses) {
  std::vector<Comparison> all(static_cast<size_t>(wins), {first, second, 1});
  all.insert(all.end(), static_cast<size_t>(losses), {first, second, 0});
  return all;
}

TEST(BradleyTerry, TwoContendersHaveTheLogOfTheirWins) {
  // Three wins of four: odds of 3, so the strengths are ±log(3)/2.
  const std::vector<double> strengths = bradley_terry(2, repeated(0, 1, 3, 1), 0);
  EXPECT_NEAR(strengths[0], std::log(3.0) / 2, 1e-9);
  EXPECT_NEAR(strengths[1], -std::log(3.0) / 2, 1e-9);
}

TEST(BradleyTerry, AChainAddsItsLogOdds) {
  // A beats B 2:1 and B beats C 3:1; the two pairs alone decide, so s = (log 2 + log 3, log 3, 0) less its mean.
  std::vector<Comparison> games = repeated(0, 1, 2, 1);
  for (const Comparison& game : repeated(1, 2, 3, 1)) games.push_back(game);
  const double a = std::log(6.0), b = std::log(3.0), mean = (a + b) / 3;
  const std::vector<double> strengths = bradley_terry(3, games, 0);
  EXPECT_NEAR(strengths[0], a - mean, 1e-7);
  EXPECT_NEAR(strengths[1], b - mean, 1e-7);
  EXPECT_NEAR(strengths[2], -mean, 1e-7);
}

TEST(BradleyTerry, ATieIsHalfAWin) {
  const std::vector<double> ties = bradley_terry(2, {{0, 1, 0.5}, {0, 1, 0.5}}, 0);
  EXPECT_NEAR(ties[0], 0, 1e-12);
  const std::vector<double> mixed = bradley_terry(2, {{0, 1, 1}, {0, 1, 0.5}, {0, 1, 0.5}, {0, 1, 0}}, 0);
  EXPECT_NEAR(mixed[0], 0, 1e-9);
}

TEST(BradleyTerry, WhoNeverLostIsFiniteByThePhantom) {
  // One win, and half of a game against strength 1. The loser is 1/p, so p (1/(p + 1/p) + 1/(p + 1)) = 1 + 1/2.
  const std::vector<double> strengths = bradley_terry(2, {{0, 1, 1}});
  const double p = std::exp(strengths[0]);
  EXPECT_NEAR(p * (1 / (p + 1 / p) + 1 / (p + 1)), 1.5, 1e-8);
  EXPECT_NEAR(strengths[0], -strengths[1], 1e-9);
}

TEST(BradleyTerry, IntervalsHoldTheStrengthAndNarrowWithVotes) {
  const auto few = bootstrap_intervals(2, repeated(0, 1, 6, 4)),
             many = bootstrap_intervals(2, repeated(0, 1, 600, 400));
  const double strength = bradley_terry(2, repeated(0, 1, 600, 400))[0];
  EXPECT_LT(many[0].low, strength);
  EXPECT_GT(many[0].high, strength);
  EXPECT_LT(many[0].high - many[0].low, (few[0].high - few[0].low) / 3);
  EXPECT_EQ(bootstrap_intervals(2, {}).size(), 2u);
}

}  // namespace
}  // namespace ziplora::studio
