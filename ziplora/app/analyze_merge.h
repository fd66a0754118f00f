#pragma once
/// What a merge made of its inputs: the part of `ziplora analyze` for a merged file.
///
///     const AnalyzedMerge merge = analyze_merge(merged, origin, progress, cancel);
///     if (merge.has_coefficients) merge.adapters[0].whole.near_zero;

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/app/merge_origin.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora {

/// Of the histogram: the bins' ends, and how many; what lies beyond counts in the outer ones.
inline constexpr double kLowestBin = -0.5, kHighestBin = 1.5;
inline constexpr size_t kBins = 40;

/// Of coefficients m, one for each input feature of a layer that the adapter has.
struct CoefficientShares {
  int64_t count = 0;
  double mean = 0, mean_absolute = 0;
  double near_zero = 0, near_one = 0;  ///< shares with |m| < 0.05, |m − 1| < 0.05
};

struct AdapterInMerge {
  size_t file;      ///< index of the analyzed files
  double strength;  ///< before the merge; m is what comes on top
  /// Layers whose coefficients are not all 1, but for rounding; and the others, which the merge adds as they are.
  int64_t scaled_layers = 0, added_layers = 0;
  /// Of the scaled layers; where there is none, of all.
  CoefficientShares whole;
  std::array<double, kBins> histogram{};
  std::map<std::string, CoefficientShares> by_layer;
};

/// Two inputs, as they were added and as they are in the merge (analyze/merged_alignment.h).
struct BeforeAndAfterMerge {
  double cosine_before = 0, cosine_after = 0;              ///< mean over columns
  double interference_before = 0, interference_after = 0;  ///< shares
};

struct PairInMerge {
  size_t first, second;       ///< indices of files
  BeforeAndAfterMerge whole;  ///< means weighted by ‖a‖ ‖b‖
  std::map<std::string, BeforeAndAfterMerge> by_layer;
};

struct AnalyzedMerge {
  std::filesystem::path path;
  /// ‖ΔW − Σ_k w_k ΔW_k diag(m_k)‖ / ‖ΔW‖ of all layers, at the best m.
  double residual = 0;
  /// The residual is rounding.
  bool has_coefficients = false;
  /// In the order of the merge; empty without coefficients.
  std::vector<AdapterInMerge> adapters;
  /// Of every two inputs; empty where the merge leaves no columns of the one and the other.
  std::vector<PairInMerge> pairs;
};

/// @throws Error(kIncompatible) if the files differ in a layer's shape, Error(kInterrupted)
AnalyzedMerge analyze_merge(const Adapter& merged, const MergeOrigin& origin, ProgressSink& progress,
                            const CancelToken& cancel);

/// @param files  the names of the analyzed files
nlohmann::ordered_json to_json(const AnalyzedMerge& merge, const std::vector<std::string>& files);

}  // namespace ziplora
