#pragma once
/// What an adapter of lower rank lost, layer by layer and in all: for the reports of commands that compress
/// or extract, and for the metadata of the files that they write.
///
///     Approximation lost;
///     for (auto& [target, layer] : adapter.layers)
///       lost.add(target, compress_layer(layer, rule), layer.rank());
///     lost.relative_error();   // ‖ΔW − ΔW_r‖ / ‖ΔW‖ with all layers taken as one vector

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/lora/compress.h"

namespace ziplora {

struct LayerApproximation {
  std::string layer;                   ///< canonical target
  int64_t rank = 0;                    ///< of its factors
  std::optional<int64_t> rank_before;  ///< absent if the layer had no factors before
  double norm = 0;                     ///< ‖ΔW‖_F before
  double relative_error = 0;           ///< ‖ΔW − ΔW_rank‖ / ‖ΔW‖

  /// {"layer", "rank", "norm", "relative_error"}, and "rank_before" if there was one
  nlohmann::json to_json() const;
};

class Approximation {
 public:
  void add(const std::string& target, const CompressedLayer& layer,
           std::optional<int64_t> rank_before = std::nullopt);

  const std::vector<LayerApproximation>& per_layer() const { return per_layer_; }
  /// Of all layers' ΔW taken as one vector; 0 without layers.
  double relative_error() const;

 private:
  std::vector<LayerApproximation> per_layer_;
  double squared_norm_ = 0, squared_dropped_ = 0;
};

/// [{"layer", …}, …]
nlohmann::json to_json(const std::vector<LayerApproximation>& layers);

/// The rule as metadata name it: {"energy": 0.9, "rank": 16}, the rank only if one was asked for.
nlohmann::json to_json(const RankRule& rule);

}  // namespace ziplora
