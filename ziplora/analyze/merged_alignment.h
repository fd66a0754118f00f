#pragma once
/// How aligned two adapters' columns are, in themselves and in a merge: what ZipLoRA (arXiv 2311.13600, section 4.1) shows
/// for its coefficients. A coefficient turns a column around at most, so its cosine hardly tells what a merge did; the
/// interference does, since it counts how long the columns still are:
///
///     Σ_j |⟨a'_j, b'_j⟩| / Σ_j ‖a_j‖ ‖b_j‖       a, b: as added; a', b': as they are in the merge
///
///     const MergedAlignment found = align_in_merge(a, b, a_in_merge, b_in_merge);

#include "ziplora/analyze/column_alignment.h"

namespace ziplora {

struct MergedAlignment {
  ColumnAlignment before, after;
  /// Σ_j |⟨a_j, b_j⟩|, Σ_j |⟨a'_j, b'_j⟩| and Σ_j ‖a_j‖ ‖b_j‖: shares of several layers come from their sums.
  double products_before = 0, products_after = 0, lengths = 0;
  /// ‖ΔW_a‖ ‖ΔW_b‖.
  double norms = 0;
};

MergedAlignment align_in_merge(const ColumnFactors& a, const ColumnFactors& b,
                               const ColumnFactors& a_in_merge, const ColumnFactors& b_in_merge);

}  // namespace ziplora
