#pragma once
/// How large the factors are that an SVD makes of a merged layer, as options: a rank, a share of energy, or
/// both; and the report of what was lost.

#include <string>
#include <vector>

#include "ziplora/lora/compress.h"
#include "ziplora/merge/layer_parts.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

/// `svd-rank` and `energy`
std::vector<MergeOption> factor_size_options();

class FactorSize {
 public:
  /// @param options  resolved
  /// @throws Error(kUsage) as RankRule::check
  explicit FactorSize(const nlohmann::json& options);

  /// Without a rank: as many as the energy needs, or with all of it the largest rank among the parts, as
  /// PEFT.
  RankRule rule(const LayerParts& parts) const;

  /// Remembers the layer's error.
  LoraLayer take(const std::string& target, CompressedLayer layer);

  /// Adds `svd_error` (of all layers' ΔW as one vector) and `svd_error_of_layer`.
  void report(nlohmann::json& report) const;

 private:
  int64_t rank_;
  double energy_;
  double total_ = 0, dropped_ = 0;
  nlohmann::json error_of_layer_ = nlohmann::json::object();
};

}  // namespace ziplora
