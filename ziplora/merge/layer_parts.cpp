#include "ziplora/merge/layer_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

bool fit_together(const LoraLayer& a, const LoraLayer& b) {
  return a.down.sizes().slice(1) == b.down.sizes().slice(1) && a.up.size(0) == b.up.size(0);
}

std::string describe(const LoraLayer& layer) {
  return fmt::format("down [{}], up [{}]", fmt::join(layer.down.sizes(), ", "),
                     fmt::join(layer.up.sizes(), ", "));
}

}  // namespace

std::map<std::string, LayerParts> layers_side_by_side(const std::vector<AdapterTerm>& adapters) {
  std::map<std::string, LayerParts> result;
  for (size_t k = 0; k < adapters.size(); ++k) {
    for (const auto& [target, layer] : adapters[k].adapter->layers) {
      LayerParts& parts = result[target];
      if (!parts.empty() && !fit_together(*parts.front().layer, layer))
        throw Error(ErrorKind::kIncompatible, "merge: " + target,
                    fmt::format("the adapters disagree about this layer: {} in one, {} in {}",
                                describe(*parts.front().layer), describe(layer),
                                adapters[k].adapter->source.string()),
                    "run 'ziplora inspect' on each file: they were trained on different architectures");
      parts.push_back({k, &layer, adapters[k].strength});
    }
  }
  return result;
}

}  // namespace ziplora
