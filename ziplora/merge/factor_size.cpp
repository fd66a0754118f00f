#include "ziplora/merge/factor_size.h"

#include <algorithm>
#include <cmath>

namespace ziplora {

std::vector<MergeOption> factor_size_options() {
  return {{"svd-rank", "rank of each layer; 0: as --energy needs, else the inputs' largest", 0, {}, 0},
          {"energy", "share of each layer's squared norm to keep, by the fewest ranks", 1.0, {}, 0}};
}

FactorSize::FactorSize(const nlohmann::json& options)
    : rank_(options["svd-rank"]), energy_(options["energy"]) {
  RankRule{.energy = energy_}.check("merge: --energy");
}

RankRule FactorSize::rule(const LayerParts& parts) const {
  RankRule rule{.energy = energy_};
  if (rank_ > 0) rule.most = rank_;
  if (rank_ > 0 || energy_ < 1) return rule;
  rule.most = 1;
  for (const LayerPart& part : parts) rule.most = std::max(rule.most, part.layer->rank());
  return rule;
}

LoraLayer FactorSize::take(const std::string& target, CompressedLayer layer) {
  total_ += layer.norm * layer.norm;
  dropped_ += layer.dropped_norm * layer.dropped_norm;
  error_of_layer_[target] = layer.relative_error();
  return std::move(layer.layer);
}

void FactorSize::report(nlohmann::json& report) const {
  report["svd_error"] = total_ > 0 ? std::sqrt(dropped_ / total_) : 0.0;
  report["svd_error_of_layer"] = error_of_layer_;
}

}  // namespace ziplora
