#pragma once
/// The Fréchet distance between two sets of features, each taken as a normal distribution (FID, arXiv
/// 1706.08500):
///
///     |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½)

#include <ATen/core/Tensor.h>

namespace ziplora::mini {

/// @param a, b  [N, D] and [M, D], N and M above 1; covariances are the unbiased ones
/// @throws Error(kUsage) if a set is too small
double frechet_distance(const at::Tensor& a, const at::Tensor& b);

}  // namespace ziplora::mini
