#pragma once
/// The stacked downs of one layer, routed in the space of its inputs. With contexts c of weight a_c, the shares g_ck
/// that each is to get of each adapter, laid out over the ranks as the diagonal G_c, and S_c = E[x xᵀ]:
///
///     down ← (Σ_c a_c G_c down S_c + ε̄ down) (Σ_c a_c S_c + ε̄ I)⁻¹,     ε̄ = ε · mean diag Σ_c a_c S_c
///
/// It minimises Σ_c a_c E‖(ΔW − Σ_k g_ck ΔW_k) x‖² + ε̄ ‖ΔW − Σ_k ΔW_k‖² over ΔW of any rank, and the minimum has rank
/// Σ r_k. Of own contexts alone it is RegMean (arXiv 2212.09849, section 3) on ΔW, whose authors shrink the
/// off-diagonal of S_c instead. The row space of the downs is row_space_routing.h.

#include "ziplora/merge/routed_context.h"

namespace ziplora {

/// @param down      [R, in] float64
/// @param contexts  moments [in, in]
/// @param ridge     ε, relative
/// @return          [R, in] float64
/// @throws Error(kNonFinite) if the sum of moments is singular and the ridge too small
at::Tensor routed_downs(const at::Tensor& down, const std::vector<RoutedContext>& contexts, double ridge);

}  // namespace ziplora
