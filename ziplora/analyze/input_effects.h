#pragma once
/// What layers do to the inputs that were recorded of them (merge/context_moments.h), from second moments S = E[x xᵀ] and
/// factors; ΔW is never built:
///
///     E⟨ΔW_a x, ΔW_b x⟩ = tr((up_aᵀ up_b) (down_b S down_aᵀ))        E‖W x‖² = tr(W S Wᵀ)
///
///     const double kept = effect_product(merged, dog, S) / effect_product(dog, dog, S);   // the part of dog's effect

#include "ziplora/lora/adapter.h"

namespace ziplora {

/// Of linear layers.
/// @param moments  [in, in] float64
double effect_product(const LoraLayer& a, const LoraLayer& b, const at::Tensor& moments);

/// Of the base's weight, in float32: it takes most of the time at SDXL's size.
/// @param weight  [out, in]
double squared_output(const at::Tensor& weight, const at::Tensor& moments);

}  // namespace ziplora
