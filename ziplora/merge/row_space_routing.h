#pragma once
/// The router of one layer, in the row space of the stacked downs. With contexts c of weight a_c, the shares g_ck
/// that each is to get of each adapter, laid out over the adapter's ranks as the diagonal G_c, and Z_c = E[z zᵀ]:
///
///     R = (Σ_c a_c G_c Z_c + ε̄ I) (Σ_c a_c Z_c + ε̄ I)⁻¹,     ε̄ = ε · mean diag Σ_c a_c Z_c
///
/// R minimises Σ_c a_c E‖(R − G_c) z‖² + ε̄ ‖R − I‖²: the plain sum where no context speaks. Of own contexts alone, with as
/// many tokens in each, it is SSR-Merge (arXiv 2606.10617, section 3), but for the ridge: its authors' code adds an
/// absolute 1e-4 to the right factor alone.

#include "ziplora/merge/routed_context.h"

namespace ziplora {

/// It is what routed_downs (input_routing.h) makes of the identity.
/// @param contexts  moments Z_c [R, R]
/// @param ridge  ε, relative
/// @return       [R, R] float64
/// @throws Error(kNonFinite) if the sum of moments is singular and the ridge too small
at::Tensor router(const std::vector<RoutedContext>& contexts, double ridge);

}  // namespace ziplora
