#pragma once
/// How alike two adapters' ΔW are, input column by input column. ZipLoRA (arXiv 2311.13600, section 4.1 and figure 4)
/// sees that layers with aligned columns merge badly by addition.
///
///     const ColumnAlignment alignment = align_columns(cat_layer, ink_layer);
///     alignment.cosine;   // what the paper plots by layer
///
/// From the factors: ⟨a_j, b_j⟩ = down_a[:, j]ᵀ (up_aᵀ up_b) down_b[:, j]. ΔW is never built.

#include "ziplora/lora/adapter.h"

namespace ziplora {

struct ColumnAlignment {
  double cosine = 0;           ///< mean over the columns that neither has as 0
  double absolute_cosine = 0;  ///< the mean without the signs
};

/// Of two layers of the same shape.
ColumnAlignment align_columns(const LoraLayer& a, const LoraLayer& b);

}  // namespace ziplora
