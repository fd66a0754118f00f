#pragma once
/// Products of two layers' ΔW, column by column, from their factors; ΔW is never built:
///
///     ⟨a_j, b_j⟩ = down_a[:, j]ᵀ (up_aᵀ up_b) down_b[:, j]
///
///     const at::Tensor squares = column_products(factors_of(layer), factors_of(layer));   // ‖a_j‖²

#include <ATen/core/Tensor.h>

#include "ziplora/lora/adapter.h"

namespace ziplora {

struct ColumnFactors {
  at::Tensor up;    ///< [out, rank] float64, with the scale, which may be negative
  at::Tensor down;  ///< [rank, columns] float64; of a convolution in·kh·kw columns
};

/// @param strength  multiplies ΔW
ColumnFactors factors_of(const LoraLayer& layer, double strength = 1);

/// @return [columns] float64
at::Tensor column_products(const ColumnFactors& a, const ColumnFactors& b);

}  // namespace ziplora
