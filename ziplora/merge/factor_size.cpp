#include "ziplora/merge/factor_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ziplora/base/error.h"

namespace ziplora {

std::vector<MergeOption> factor_size_table() {
  return {{.name = "svd-rank",
           .help = "Give each layer this rank; 0: what --energy needs, else the largest rank of the inputs",
           .default_value = 0,
           .minimum = 0},
          {.name = "energy",
           .help = "Keep this share of each layer's squared norm, with as few ranks as possible",
           .default_value = FactorSizeOptions{}.energy,
           .minimum = 0}};
}

FactorSizeOptions factor_size_of(const nlohmann::json& options) {
  const int64_t rank = options["svd-rank"];
  const double energy = options["energy"];
  if (!(energy > 0 && energy <= 1))  // refuses NaN, too
    throw Error(ErrorKind::kUsage, "merge: --energy",
                fmt::format("{} is not a share above 0, up to 1, which keeps all of it", energy),
                "for example --energy 0.99, which keeps 99 % of each layer's squared norm");
  return {.rank = rank > 0 ? std::optional(rank) : std::nullopt, .energy = energy};
}

FactorSize::FactorSize(const FactorSizeOptions& options) : options_(options) {}

RankRule FactorSize::rule(const LayerParts& parts) const {
  RankRule rule{.energy = options_.energy};
  if (options_.rank) rule.most = *options_.rank;
  if (options_.rank || options_.energy < 1) return rule;
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

SvdError FactorSize::error() const {
  return {.total = total_ > 0 ? std::sqrt(dropped_ / total_) : 0.0, .of_layer = error_of_layer_};
}

}  // namespace ziplora
