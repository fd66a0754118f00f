#pragma once
/// How large the factors are that an SVD makes of a merged layer: a rank, a share of energy, or both; and
/// what was lost.
///
///     FactorSize size(factor_size_of(options));
///     layer = size.take(target, compress_layer(sum, size.rule(parts)));   // … of each layer
///     report.svd_error = size.error();

#include <optional>
#include <string>
#include <vector>

#include "ziplora/lora/compress.h"
#include "ziplora/merge/layer_parts.h"
#include "ziplora/merge/merge_method.h"

namespace ziplora {

struct FactorSizeOptions {
  /// Absent: as many ranks as the energy needs, or with all of it the largest rank among the parts, as PEFT.
  std::optional<int64_t> rank = {};
  /// Share of each layer's ‖ΔW‖² to keep.
  double energy = 1.0;
};

/// The rows `svd-rank` and `energy` of a method's table.
std::vector<MergeOption> factor_size_table();
/// @throws Error(kUsage) for an energy that is not a share
FactorSizeOptions factor_size_of(const nlohmann::json& options);

class FactorSize {
 public:
  explicit FactorSize(const FactorSizeOptions& options);

  RankRule rule(const LayerParts& parts) const;

  /// Remembers the layer's error.
  LoraLayer take(const std::string& target, CompressedLayer layer);

  /// Of all layers that were taken.
  SvdError error() const;

 private:
  const FactorSizeOptions options_;
  double total_ = 0, dropped_ = 0;
  std::map<std::string, double> error_of_layer_;
};

}  // namespace ziplora
