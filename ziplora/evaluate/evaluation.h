#pragma once
/// A comparison's figures: the scores of all images, and the tables that are made of them.
///
///     Evaluation evaluation{manifest, contenders, {judge.name()}};
///     evaluation.images.push_back({.contender = 0, .pair = 3, …});
///     for (const Table& table : tables_of(evaluation, seed)) …
///
/// A pair's score is the mean over its prompts and seeds; pairs are the units of every mean, interval and difference,
/// because the images of a pair are not independent.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/evaluate/contender.h"
#include "ziplora/evaluate/frontier.h"
#include "ziplora/evaluate/image_scores.h"
#include "ziplora/evaluate/manifest.h"
#include "ziplora/evaluate/statistics.h"

namespace ziplora {

/// An image that was drawn.
struct EvaluatedImage {
  size_t contender, pair, prompt;
  uint64_t seed;
  std::filesystem::path file;
  /// Under a LoRA's own prompt, the image that it draws alone; else empty.
  std::filesystem::path alone = {};
  std::vector<Scores> scores = {};  ///< by judge
};

/// What a contender's merge of one pair took, as it was when it was made.
struct MergeCost {
  size_t contender, pair;
  double seconds;
  /// Mean |m − 1| of methods that learn coefficients: that they moved at all.
  std::optional<double> movement;
};

struct Evaluation {
  Manifest manifest;
  std::vector<Contender> contenders;
  std::vector<std::string> judges;
  std::vector<EvaluatedImage> images = {};
  std::vector<MergeCost> merges = {};
  /// By contender: of drawing an image; absent for those whose images were all there.
  std::map<size_t, double> seconds_per_image = {};
};

struct TableRow {
  size_t contender;
  std::map<Metric, Interval> means;
  /// Of subject and style, told where true images are known: of the two means.
  std::optional<Interval> harmonic;
  /// By the same two means, among all rows but the bounds; `leads` is a contender. It has no interval: the frontier is drawn
  /// by the best of these very pairs.
  std::optional<Behind> behind = {};
};

/// First minus second, on the same pairs.
struct Comparison {
  size_t first, second;  ///< contenders
  std::string of;        ///< "likeness", "harmonic mean", …
  PairedDifference difference;
  double adjusted_p;  ///< Holm's, over all of the table
};

struct Table {
  std::string group;  ///< empty: all pairs
  size_t judge;
  size_t pairs;
  std::vector<TableRow> rows;           ///< in the order of the contenders
  std::vector<Comparison> comparisons;  ///< against plain addition at its best weights, and against zip
};

/// One of all pairs and, if there are several groups, one of each, by judge. A table leads with likeness where true images
/// are known, else with the harmonic mean: `direct` is at its best where that is largest, which favours the rival.
std::vector<Table> tables_of(const Evaluation& evaluation, uint64_t seed);

}  // namespace ziplora
