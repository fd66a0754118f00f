#pragma once
/// The merger coefficients m_k of a merge, found again in its file and its inputs: one number for each input column of each
/// adapter (of a convolution: for each input channel), as ZipLoRA (arXiv 2311.13600, equation 2) makes a merge of them:
///
///     ΔW = Σ_k w_k ΔW_k diag(m_k)
///
///     const ColumnCoefficients found = find_coefficients(parts, merged);
///     found.values[0];   // m of the first part
///
/// Where the merged factors are the parts' side by side, column j of part k is m_k,j times what it was. Else, as after a
/// compression, they are the least squares over all parts, whose residual says what they leave unexplained.

#include <optional>
#include <vector>

#include "ziplora/analyze/column_products.h"
#include "ziplora/merge/layer_parts.h"

namespace ziplora {

/// Below this share of ‖ΔW‖ what coefficients leave unexplained is rounding: bfloat16 rounds each factor by up to 0.4 %.
inline constexpr double kRoundingShare = 0.01;

struct ColumnCoefficients {
  /// By part: [in] float64; NaN where the part's column is 0.
  std::vector<at::Tensor> values;
  /// ‖ΔW − Σ_k w_k ΔW_k diag(m_k)‖² and ‖ΔW‖².
  double residual = 0, energy = 0;
};

/// The part's ranks of a merged layer, as a layer of its own.
/// @return nothing if the merged rank is not the sum of the parts' ranks
std::optional<std::vector<ColumnFactors>> factors_side_by_side(const LayerParts& parts,
                                                               const LoraLayer& merged);

/// @param parts   in the order of the merge, with its strengths
/// @param merged  nullptr: the merge leaves the layer out, so its ΔW is 0
ColumnCoefficients find_coefficients(const LayerParts& parts, const LoraLayer* merged);

}  // namespace ziplora
