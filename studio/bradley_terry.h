#pragma once
/// Strengths of contenders from comparisons of two: P(i beats j) = e^s_i / (e^s_i + e^s_j) (Bradley and Terry, Biometrika
/// 39, 1952), found by minorise–maximise (Hunter, Annals of Statistics 32, 2004, equation 3). A tie is half a win for each.
///
///     const std::vector<Comparison> games = {{0, 1, 1.0}, {0, 1, 0.5}};
///     bradley_terry(2, games);   // two log-odds, of mean 0

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ziplora::studio {

struct Comparison {
  size_t first, second;
  /// 1: it wins, 0: the other does, 0.5: neither.
  double first_score;
};

/// Ties with a contender of strength 0 that each has besides. They keep one who never lost from being infinitely strong, and
/// pull all towards the mean, the less the more they were compared.
inline constexpr double kPhantomGames = 1;

/// @param phantom_games  0: the maximum of the likelihood itself, which needs everyone to have won and lost
/// @return for each contender its log-odds, of mean 0
std::vector<double> bradley_terry(size_t contenders, const std::vector<Comparison>& comparisons,
                                  double phantom_games = kPhantomGames);

struct Interval {
  double low, high;
};

/// 95 % percentile intervals of the strengths over resamples of the comparisons (Efron's bootstrap).
std::vector<Interval> bootstrap_intervals(size_t contenders, const std::vector<Comparison>& comparisons,
                                          size_t resamples = 200, uint64_t seed = 0);

}  // namespace ziplora::studio
