#pragma once
/// LoRA factors of a dense ΔW by truncated SVD: how a LoRA is extracted from two checkpoints.
///
///     CompressedLayer layer = factorize(tuned - base, {.most = 64});
///     layer.relative_error();   // ‖ΔW − up @ down‖ / ‖ΔW‖
///
/// ΔW has full rank, so the triangular factors of compress.h would save nothing; the eigenvectors of the Gram
/// matrix of ΔW's shorter side do: in float64 they resolve singular values down to 1e-8 of the largest, which
/// is where the rounding of float32 weights begins, at a fraction of the cost of an SVD of the whole matrix.

#include <ATen/core/Tensor.h>

#include "ziplora/lora/compress.h"

namespace ziplora {

/// @param delta  [out, in] or [out, in, kh, kw], any floating dtype
/// @throws Error(kNonFinite) if it holds NaN or Inf
CompressedLayer factorize(const at::Tensor& delta, const RankRule& rule);

}  // namespace ziplora
