#include "ziplora/lora/resolve_against_base.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"

namespace ziplora {

void resolve_against_base(const std::map<std::string, BaseBoundLayer>& bound, const TargetNames& names,
                          const BaseWeights& weights, std::map<std::string, LoraLayer>& layers) {
  for (const auto& [canonical, layer] : bound) {
    const TargetName& target = *names.find(canonical);
    const at::Tensor weight = weights(canonical);
    if (weight.sizes() != target.weight_shape)
      throw Error(ErrorKind::kIncompatible, "read adapter",
                  fmt::format("{} is [{}] in the base, the adapter was read for [{}]", canonical,
                              fmt::join(weight.sizes(), ", "), fmt::join(target.weight_shape, ", ")),
                  "use the base that the adapter was made for");
    layers[canonical] = layer_of_delta(layer.delta(weight.cpu()), 1.0, target);
  }
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
