#include "ziplora/merge/concatenate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "ziplora/lora/vector_deltas.h"

namespace ziplora {
namespace {

/// Side by side, in the parts' own dtype or the one that holds all of them, at most float32.
at::Tensor beside(const LayerParts& parts, at::Tensor LoraLayer::*factor, int64_t dim) {
  std::vector<at::Tensor> factors;
  for (const LayerPart& part : parts) factors.push_back((part.layer->*factor).detach());
  const at::Tensor all = at::cat(factors, dim);
  return all.scalar_type() == at::kDouble ? all.to(at::kFloat) : all;
}

}  // namespace

LoraLayer concatenate_layer(const LayerParts& parts) {
  LoraLayer merged{beside(parts, &LoraLayer::down, 0), beside(parts, &LoraLayer::up, 1), std::nullopt};
  if (std::all_of(parts.begin(), parts.end(), [](const LayerPart& part) { return part.factor() == 1; }))
    return merged;
  std::vector<double> factors;
  for (const LayerPart& part : parts)
    factors.insert(factors.end(), static_cast<size_t>(part.layer->rank()), part.factor());
  std::vector<int64_t> broadcast(static_cast<size_t>(merged.up.dim()), 1);
  broadcast[1] = merged.rank();
  merged.up = merged.up.to(at::kFloat).mul_(at::tensor(factors, at::kFloat).view(broadcast));
  return merged;
}

Adapter concatenate(const std::vector<AdapterTerm>& adapters) {
  Adapter merged;
  for (const auto& [target, parts] : layers_side_by_side(adapters))
    merged.layers[target] = concatenate_layer(parts);
  for (const AdapterTerm& term : adapters)
    add_vector_deltas(merged.vector_deltas, term.adapter->vector_deltas, term.strength);
  return merged;
}

}  // namespace ziplora
