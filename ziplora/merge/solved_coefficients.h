#pragma once
/// The merger coefficients of one layer that zip learns by gradient, in closed form: those that keep each context's
/// outputs of this layer alone. With the parts' downs D_k and ups U_k (scales and strengths folded in), shares g_ck,
/// S_c = E[x xᵀ] and B = Σ_c a_c S_c,
///
///     min_m  Σ_c a_c E‖Σ_k U_k D_k (m_k ⊙ x) − Σ_k g_ck U_k D_k x‖² + ε̄ ‖m − 1‖²
///     H_kl = (D_kᵀ U_kᵀ U_l D_l) ⊙ B,     b_k = Σ_c a_c diag(D_kᵀ U_kᵀ (Σ_l g_cl U_l D_l) S_c)
///     m = (H + ε̄ I)⁻¹ (b + ε̄ 1),          ε̄ = ε · mean diag H
///
/// It has no overlap term, and a layer does not know what the layers before it pass on otherwise once merged.
/// The objective: ZipLoRA, arXiv 2311.13600, eq. 3, layer by layer.

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "ziplora/io/safetensors.h"
#include "ziplora/merge/layer_parts.h"
#include "ziplora/merge/routed_context.h"

namespace ziplora {

/// @param down      [R, in] float64, the parts' stacked
/// @param up        [out, R] float64
/// @param ranks     of each part; their sum is R
/// @param contexts  moments [in, in]; shares [R], equal within a part
/// @param ridge     ε, relative
/// @return          [parts, in] float64
/// @throws Error(kNonFinite) if no single minimum exists and the ridge is too small
at::Tensor solve_coefficients(const at::Tensor& down, const at::Tensor& up, const std::vector<int64_t>& ranks,
                              const std::vector<RoutedContext>& contexts, double ridge);

/// The same of a linear layer's parts, by the names that MergerCoefficients gives them.
/// @return `<input>.<target>` → [in] float32
NamedTensors solved_coefficients(const std::string& target, const LayerParts& parts,
                                 const std::vector<RoutedContext>& contexts, double ridge);

}  // namespace ziplora
