#pragma once
/// Stores a layer in the dtype of the file it will be written to, before all layers are known. A merge of
/// large files then keeps half precision in memory instead of float32.
///
///     LoraLayer small = stored_layer(layer, at::kHalf, target);
///
/// The layer is balanced and has scale 1. Where all ranks are equal this is the universal form, and writing
/// it changes nothing more. Where a component's ranks differ, the writer's common alpha rounds `up` once
/// more.

#include <string>

#include "ziplora/lora/adapter.h"

namespace ziplora {

/// @throws Error(kNonFinite) naming the target if the values do not fit the dtype
LoraLayer stored_layer(const LoraLayer& layer, at::ScalarType dtype, const std::string& target);

}  // namespace ziplora
