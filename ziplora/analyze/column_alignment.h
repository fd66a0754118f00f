#pragma once
/// How alike two adapters' ΔW are, input column by input column. ZipLoRA (arXiv 2311.13600, section 4.1 and figure 4)
/// sees that layers with aligned columns merge badly by addition.
///
///     const ColumnAlignment alignment = align_columns(cat_layer, ink_layer);
///     alignment.cosine;   // what the paper plots by layer

#include "ziplora/analyze/column_products.h"

namespace ziplora {

struct ColumnAlignment {
  double cosine = 0;           ///< mean over the columns that neither has as 0
  double absolute_cosine = 0;  ///< the mean without the signs
};

/// Of two layers of the same shape.
ColumnAlignment align_columns(const LoraLayer& a, const LoraLayer& b);
ColumnAlignment align_columns(const ColumnFactors& a, const ColumnFactors& b);

}  // namespace ziplora
