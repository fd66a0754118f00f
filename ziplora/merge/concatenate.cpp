#include "ziplora/merge/concatenate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <c10/core/ScalarType.h>

#include <algorithm>

#include "ziplora/lora/vector_deltas.h"

namespace ziplora {
namespace {

/// The one that holds every part's values; float32 is enough for any.
at::ScalarType dtype_of(const LayerParts& parts, at::Tensor LoraLayer::*factor) {
  at::ScalarType common = (parts.front().layer->*factor).scalar_type();
  for (const LayerPart& part : parts) common = c10::promoteTypes(common, (part.layer->*factor).scalar_type());
  return common == at::kDouble ? at::kFloat : common;
}

}  // namespace

LoraLayer concatenate_layer(const LayerParts& parts) {
  int64_t rank = 0;
  for (const LayerPart& part : parts) rank += part.layer->rank();
  std::vector<int64_t> down_shape = parts.front().layer->down.sizes().vec(),
                       up_shape = parts.front().layer->up.sizes().vec();
  down_shape[0] = up_shape[1] = rank;
  const bool scaled =
      std::any_of(parts.begin(), parts.end(), [](const LayerPart& part) { return part.factor() != 1; });
  // Converted where they end up: one pass over each factor, no copy beside the result.
  LoraLayer merged{at::empty(down_shape, dtype_of(parts, &LoraLayer::down)),
                   at::empty(up_shape, scaled ? at::kFloat : dtype_of(parts, &LoraLayer::up)), std::nullopt};
  int64_t begin = 0;
  for (const LayerPart& part : parts) {
    const int64_t own = part.layer->rank();
    merged.down.narrow(0, begin, own).copy_(part.layer->down.detach());
    merged.up.narrow(1, begin, own).copy_(part.layer->up.detach());
    if (part.factor() != 1) merged.up.narrow(1, begin, own).mul_(part.factor());
    begin += own;
  }
  return merged;
}

Adapter concatenate(const std::vector<WeightedAdapter>& adapters) {
  Adapter merged;
  for (const auto& [target, parts] : layers_side_by_side(adapters))
    merged.layers[target] = concatenate_layer(parts);
  for (const WeightedAdapter& input : adapters)
    add_vector_deltas(merged.vector_deltas, input.adapter->vector_deltas, input.weight);
  return merged;
}

}  // namespace ziplora
