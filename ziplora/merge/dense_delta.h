#pragma once
/// One layer's ΔW, dense, for methods that look at its single values.

#include "ziplora/lora/adapter.h"

namespace ziplora {

/// [out, in] or [out, in, kh, kw] float32, with the layer's scale, without its input's strength.
at::Tensor dense_delta(const LoraLayer& layer);

}  // namespace ziplora
