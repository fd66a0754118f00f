#include "ziplora/app/analyze_merge.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/histc.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "ziplora/analyze/column_coefficients.h"
#include "ziplora/analyze/merged_alignment.h"
#include "ziplora/lora/rank_split.h"

namespace ziplora {
namespace {

using json = nlohmann::ordered_json;

/// Of one adapter, over layers.
class CoefficientSum {
 public:
  /// @param m  [n] float64
  void add(const at::Tensor& m) {
    count_ += m.numel();
    sum_ += m.sum().item<double>();
    absolute_ += m.abs().sum().item<double>();
    zeros_ += (m.abs() < 0.05).sum().item<int64_t>();
    ones_ += ((m - 1).abs() < 0.05).sum().item<int64_t>();
    const at::Tensor bins =
        at::histc(m.clamp(kLowestBin, kHighestBin), kBins, kLowestBin, kHighestBin).contiguous();
    for (size_t i = 0; i < kBins; ++i) bins_[i] += bins.const_data_ptr<double>()[i];
  }
  CoefficientShares shares() const {
    const auto count = static_cast<double>(std::max<int64_t>(count_, 1));
    return {.count = count_,
            .mean = sum_ / count,
            .mean_absolute = absolute_ / count,
            .near_zero = static_cast<double>(zeros_) / count,
            .near_one = static_cast<double>(ones_) / count};
  }
  std::array<double, kBins> histogram() const {
    std::array<double, kBins> shares = bins_;
    for (double& share : shares) share /= static_cast<double>(std::max<int64_t>(count_, 1));
    return shares;
  }

 private:
  int64_t count_ = 0, zeros_ = 0, ones_ = 0;
  double sum_ = 0, absolute_ = 0;
  std::array<double, kBins> bins_{};
};

/// The measures of several layers as one.
class AlignmentSum {
 public:
  void add(const MergedAlignment& layer) {
    before_ += layer.before.cosine * layer.norms;
    after_ += layer.after.cosine * layer.norms;
    weight_ += layer.norms;
    products_before_ += layer.products_before;
    products_after_ += layer.products_after;
    lengths_ += layer.lengths;
  }
  bool empty() const { return weight_ <= 0; }
  BeforeAndAfterMerge mean() const {
    return {.cosine_before = before_ / weight_,
            .cosine_after = after_ / weight_,
            .interference_before = products_before_ / lengths_,
            .interference_after = products_after_ / lengths_};
  }

 private:
  double before_ = 0, after_ = 0, weight_ = 0;
  double products_before_ = 0, products_after_ = 0, lengths_ = 0;
};

/// What the parts' columns became in the merge.
/// @return nothing where they cannot be told apart
std::optional<std::vector<ColumnFactors>> columns_in_merge(const LayerParts& parts, const LoraLayer* merged,
                                                           const ColumnCoefficients& found,
                                                           bool tells_split) {
  if (tells_split && merged)
    if (auto slices = factors_side_by_side(parts, *merged)) return slices;
  if (found.residual > kRoundingShare * kRoundingShare * found.energy) return std::nullopt;
  std::vector<ColumnFactors> columns;
  for (size_t k = 0; k < parts.size(); ++k) {
    ColumnFactors factors = factors_of(*parts[k].layer, parts[k].strength);
    const at::Tensor m = found.values[k].nan_to_num(0);
    factors.down = factors.down * m.repeat_interleave(factors.down.size(1) / m.size(0));
    columns.push_back(std::move(factors));
  }
  return columns;
}

class MergeAnalysis {
 public:
  MergeAnalysis(const Adapter& merged, const MergeOrigin& origin)
      : tells_split_(tells_split(merged)), files_(origin.files), all_(origin.inputs.size()), scaled_(all_) {
    result_.path = merged.source;
    for (size_t k = 0; k < origin.inputs.size(); ++k)
      result_.adapters.push_back(
          {.file = files_[k], .strength = origin.inputs[k].strength, .whole = {}, .by_layer = {}});
  }

  /// @param parts  of the inputs and, last, of the merge
  void add(const std::string& target, LayerParts parts) {
    const LoraLayer* merged = nullptr;
    if (parts.back().input == all_.size()) {
      merged = parts.back().layer;
      parts.pop_back();
    }
    if (parts.empty()) {  // the merge changes what no input does
      const ColumnFactors own = factors_of(*merged);
      const double square = column_products(own, own).sum().item<double>();
      residual_ += square;
      energy_ += square;
      return;
    }
    const ColumnCoefficients found = find_coefficients(parts, merged);
    residual_ += found.residual;
    energy_ += found.energy;
    for (size_t i = 0; i < parts.size(); ++i) {
      const at::Tensor m = found.values[i].masked_select(found.values[i].isnan().logical_not());
      if (m.numel() == 0) continue;
      CoefficientSum layer;
      layer.add(m);
      count(parts[i].input, m);
      result_.adapters[parts[i].input].by_layer[target] = layer.shares();
    }
    if (const auto columns = columns_in_merge(parts, merged, found, tells_split_))
      align(target, parts, *columns);
  }

  AnalyzedMerge result() && {
    result_.residual = energy_ > 0 ? std::sqrt(residual_ / energy_) : 0;
    result_.has_coefficients = result_.residual <= kRoundingShare;
    for (size_t k = 0; k < all_.size(); ++k) {
      const CoefficientSum& sum = result_.adapters[k].scaled_layers > 0 ? scaled_[k] : all_[k];
      result_.adapters[k].whole = sum.shares();
      result_.adapters[k].histogram = sum.histogram();
    }
    if (!result_.has_coefficients) result_.adapters.clear();
    for (auto& [inputs, pair] : pairs_) {
      pair.whole = pair_sums_.at(inputs).mean();
      result_.pairs.push_back(std::move(pair));
    }
    return std::move(result_);
  }

 private:
  void count(size_t input, const at::Tensor& m) {
    const bool scaled = (m - 1).abs().max().item<double>() > kRoundingShare;
    ++(scaled ? result_.adapters[input].scaled_layers : result_.adapters[input].added_layers);
    all_[input].add(m);
    if (scaled) scaled_[input].add(m);
  }

  void align(const std::string& target, const LayerParts& parts, const std::vector<ColumnFactors>& columns) {
    std::vector<ColumnFactors> added;
    for (const LayerPart& part : parts) added.push_back(factors_of(*part.layer, part.strength));
    for (size_t i = 0; i < parts.size(); ++i)
      for (size_t j = i + 1; j < parts.size(); ++j) {
        AlignmentSum layer;
        const MergedAlignment found = align_in_merge(added[i], added[j], columns[i], columns[j]);
        layer.add(found);
        if (layer.empty()) continue;
        const std::pair inputs(parts[i].input, parts[j].input);
        pair_sums_[inputs].add(found);
        pairs_.try_emplace(inputs, PairInMerge{files_[inputs.first], files_[inputs.second], {}, {}})
            .first->second.by_layer[target] = layer.mean();
      }
  }

  const bool tells_split_;
  const std::vector<size_t> files_;
  std::vector<CoefficientSum> all_, scaled_;  // by input
  std::map<std::pair<size_t, size_t>, AlignmentSum> pair_sums_;
  std::map<std::pair<size_t, size_t>, PairInMerge> pairs_;
  double residual_ = 0, energy_ = 0;
  AnalyzedMerge result_;
};

json json_of(const CoefficientShares& shares) {
  return {{"count", shares.count},
          {"mean", shares.mean},
          {"mean_absolute", shares.mean_absolute},
          {"near_zero", shares.near_zero},
          {"near_one", shares.near_one}};
}

json json_of(const BeforeAndAfterMerge& found) {
  return {{"column_cosine", {{"before", found.cosine_before}, {"after", found.cosine_after}}},
          {"interference", {{"before", found.interference_before}, {"after", found.interference_after}}}};
}

}  // namespace

AnalyzedMerge analyze_merge(const Adapter& merged, const MergeOrigin& origin, ProgressSink& progress,
                            const CancelToken& cancel) {
  std::vector<AdapterTerm> terms;
  for (const MergeInput& input : origin.inputs) terms.push_back({input.adapter, input.strength});
  terms.push_back({&merged});
  auto layers = layers_side_by_side(terms);
  MergeAnalysis analysis(merged, origin);
  Stage stage(progress, "coefficients", static_cast<int64_t>(layers.size()));
  for (auto& [target, parts] : layers) {
    cancel.throw_if_cancelled("analyze");
    analysis.add(target, std::move(parts));
    stage.step();
  }
  return std::move(analysis).result();
}

json to_json(const AnalyzedMerge& merge, const std::vector<std::string>& files) {
  json object{{"file", merge.path.string()},
              {"residual", merge.residual},
              {"has_coefficients", merge.has_coefficients},
              {"adapters", json::array()},
              {"pairs", json::array()}};
  for (const AdapterInMerge& adapter : merge.adapters) {
    json one{{"file", files[adapter.file]},
             {"strength", adapter.strength},
             {"scaled_layers", adapter.scaled_layers},
             {"added_layers", adapter.added_layers}};
    one.update(json_of(adapter.whole));
    one["histogram"] = {{"lowest", kLowestBin}, {"highest", kHighestBin}, {"shares", adapter.histogram}};
    for (const auto& [target, shares] : adapter.by_layer) one["by_layer"][target] = json_of(shares);
    object["adapters"].push_back(std::move(one));
  }
  for (const PairInMerge& pair : merge.pairs) {
    json one{{"first", files[pair.first]}, {"second", files[pair.second]}};
    one.update(json_of(pair.whole));
    for (const auto& [target, found] : pair.by_layer) one["by_layer"][target] = json_of(found);
    object["pairs"].push_back(std::move(one));
  }
  return object;
}

}  // namespace ziplora
