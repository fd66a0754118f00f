#pragma once
/// Finds LoRA factors of a dense ΔW by truncated SVD. This is how a LoRA is extracted from two bases.
///
///     CompressedLayer layer = factorize(tuned - base, {.most = 64});
///     layer.relative_error();   // ‖ΔW − up @ down‖ / ‖ΔW‖
///
/// ΔW has full rank, so compress.h's triangular factors would save nothing. The eigenvectors of the Gram
/// matrix on ΔW's shorter side cost a fraction of an SVD of the whole matrix. In float64 they resolve
/// singular values down to 1e-8 of the largest, where the rounding of float32 weights begins.

#include <ATen/core/Tensor.h>

#include "ziplora/lora/compress.h"

namespace ziplora {

/// @param delta  [out, in] or [out, in, kh, kw], any floating dtype
/// @throws Error(kNonFinite) if it holds NaN or Inf
CompressedLayer factorize(const at::Tensor& delta, const RankRule& rule);

}  // namespace ziplora
