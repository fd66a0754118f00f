#include "ziplora/lora/resolve_against_base.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"
#include "ziplora/lora/factorize.h"

namespace ziplora {

std::map<std::string, double> resolve_against_base(const std::map<std::string, BaseBoundLayer>& bound,
                                                   const TargetNames& names, const BaseWeights& weights,
                                                   std::map<std::string, LoraLayer>& layers,
                                                   std::optional<RankRule> rank) {
  std::map<std::string, double> relative_error;
  for (const auto& [canonical, layer] : bound) {
    const TargetName& target = *names.find(canonical);
    const at::Tensor weight = weights(canonical);
    if (weight.sizes() != target.weight_shape)
      throw Error(ErrorKind::kIncompatible, "read adapter",
                  fmt::format("{} is [{}] in the base, the adapter was read for [{}]", canonical,
                              fmt::join(weight.sizes(), ", "), fmt::join(target.weight_shape, ", ")),
                  "give the base that the adapter was made for with --base");
    const at::Tensor delta = layer.delta(weight.cpu());
    if (!rank) {
      layers[canonical] = layer_of_delta(delta, 1.0, target);
      relative_error[canonical] = 0;
      continue;
    }
    CompressedLayer near = factorize(delta.view(target.weight_shape), *rank);
    relative_error[canonical] = near.relative_error();
    layers[canonical] = std::move(near.layer);
  }
  return relative_error;
}

std::string describe(const std::map<std::string, BaseBoundLayer>& bound) {
  std::map<std::string, int64_t> counts;
  for (const auto& [canonical, layer] : bound) ++counts[layer.kind];
  std::vector<std::string> parts;
  for (const auto& [kind, count] : counts)
    parts.push_back(fmt::format("{} {} {}", count, count == 1 ? "layer is" : "layers are", kind));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace ziplora
