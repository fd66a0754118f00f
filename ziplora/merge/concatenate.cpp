#include "ziplora/merge/concatenate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
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

Adapter concatenate(const std::vector<WeightedAdapter>& adapters) {
  struct Factors {
    const LoraLayer* first;
    std::vector<at::Tensor> down, up;
  };
  std::map<std::string, Factors> factors;
  for (const WeightedAdapter& input : adapters) {
    for (const auto& [target, layer] : input.adapter->layers) {
      Factors& found = factors.try_emplace(target, Factors{&layer, {}, {}}).first->second;
      if (!fit_together(*found.first, layer))
        throw Error(ErrorKind::kIncompatible, "merge: " + target,
                    fmt::format("the adapters disagree about this layer: {} in one, {} in {}",
                                describe(*found.first), describe(layer), input.adapter->source.string()),
                    "run 'ziplora inspect' on each file: they were trained on different architectures");
      found.down.push_back(layer.down.to(at::kFloat));
      found.up.push_back(layer.up.to(at::kFloat) * (input.weight * layer.scale()));
    }
  }
  Adapter merged;
  for (auto& [target, found] : factors)
    merged.layers[target] = {at::cat(found.down, 0), at::cat(found.up, 1), std::nullopt};
  return merged;
}

}  // namespace ziplora
