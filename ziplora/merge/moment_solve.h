#pragma once
/// The quotient that every closed form by contexts comes to: what is asked for, in the metric of what comes through.
///
///     at::Tensor route = divide_by_moments(asked, all);   // asked · all⁻¹

#include <ATen/core/Tensor.h>

namespace ziplora {

/// @param asked  [m, n] float64
/// @param all    [n, n] float64, symmetric and positive definite: a sum of second moments and a ridge
/// @return       [m, n]
/// @throws Error(kNonFinite) if `all` is singular to rounding
at::Tensor divide_by_moments(const at::Tensor& asked, const at::Tensor& all);

}  // namespace ziplora
