#pragma once
/// A layer in the dtype of the file it will be written to, before all layers are known: lets a merge of large
/// files keep half precision instead of float32 while it goes on.
///
///     LoraLayer small = stored_layer(layer, at::kHalf, target);
///
/// The layer is balanced and has scale 1, which is the universal form wherever ranks are equal, so that
/// writing it changes nothing more. Where a component's ranks differ, the writer's common alpha rounds `up`
/// once again.

#include <string>

#include "ziplora/lora/adapter.h"

namespace ziplora {

/// @throws Error(kNonFinite) naming the target if the values do not fit the dtype
LoraLayer stored_layer(const LoraLayer& layer, at::ScalarType dtype, const std::string& target);

}  // namespace ziplora
