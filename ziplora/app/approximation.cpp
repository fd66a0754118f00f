#include "ziplora/app/approximation.h"

#include <cmath>

namespace ziplora {

using nlohmann::json;

json LayerApproximation::to_json() const {
  json entry{{"layer", layer}, {"rank", rank}, {"norm", norm}, {"relative_error", relative_error}};
  if (rank_before) entry["rank_before"] = *rank_before;
  return entry;
}

void Approximation::add(const std::string& target, const CompressedLayer& layer,
                        std::optional<int64_t> rank_before) {
  per_layer_.push_back({.layer = target,
                        .rank = layer.layer.rank(),
                        .rank_before = rank_before,
                        .norm = layer.norm,
                        .relative_error = layer.relative_error()});
  squared_norm_ += layer.norm * layer.norm;
  squared_dropped_ += layer.dropped_norm * layer.dropped_norm;
}

double Approximation::relative_error() const {
  return squared_norm_ > 0 ? std::sqrt(squared_dropped_ / squared_norm_) : 0.0;
}

json to_json(const std::vector<LayerApproximation>& layers) {
  json entries = json::array();
  for (const LayerApproximation& layer : layers) entries.push_back(layer.to_json());
  return entries;
}

json to_json(const RankRule& rule) {
  json result{{"energy", rule.energy}};
  if (rule.most < RankRule{}.most) result["rank"] = rule.most;
  return result;
}

}  // namespace ziplora
