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

/// Finite values that do not fit the dtype stay float32; fitting_write.h decides about the file.
/// @throws Error(kNonFinite) naming the target for NaN and infinity
LoraLayer stored_layer(const LoraLayer& layer, at::ScalarType dtype, const std::string& target);

}  // namespace ziplora
