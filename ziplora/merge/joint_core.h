#pragma once
/// One layer of several adapters in bases that they share. K adapters of ranks r_k read and write along at
/// most R = Σ r_k directions together, so each ΔW_k is a small matrix between two thin ones:
///
///     ΔW_k = left · cores[k] · rightᵀ        left [out, m], right [in·kh·kw, n] orthonormal, m, n ≤ R
///
/// This loses nothing, and the SVD of a core is the SVD of its ΔW. So methods that are written for ΔW
/// (`knots`, `tsv`, `iso-c`) are exact on the cores; ΔW is never built. The bases are the singular vectors
/// of the stacked factors: the reference bases of Core Space (arXiv 2509.17786).
///
///     const JointCore joint = joint_core(target, parts);
///     const LiveSvd svd = live_svd(joint.cores[0]);
///     return layer_of(target, parts, joint.left.matmul(svd.u) * svd.s, svd.vt.matmul(joint.right.t()));

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "ziplora/merge/layer_parts.h"

namespace ziplora {

/// All in float64.
struct JointCore {
  at::Tensor left, right;
  /// [m, n], one for each part: its scale is in it, its strength is not.
  std::vector<at::Tensor> cores;
};

/// @throws Error(kNonFinite) naming the target if a factor holds NaN or Inf
JointCore joint_core(const std::string& target, const LayerParts& parts);

/// Σ_k strength_k · cores[k], and Σ_k of the size of each term.
struct CoreSum {
  at::Tensor sum;
  double terms = 0;
};
CoreSum sum_of_cores(const JointCore& joint, const LayerParts& parts);

/// u · diag(s) · vt, largest s first.
struct LiveSvd {
  at::Tensor u, s, vt;
};

/// The singular values above 1e-6 of the largest, and their vectors; none of a matrix of zeros. The vectors
/// of the others mean nothing, and some methods would give them weight.
/// @param terms  as CoreSum, if the matrix is a sum: what is left where its terms cancel each other is
///               rounding, and dead, too
LiveSvd live_svd(const at::Tensor& matrix, double terms = 0);

/// @param up, down  [out, rank] and [rank, in·kh·kw] float64; rank 0 gives one rank of zeros
/// @return          float32 factors in the parts' shapes
/// @throws Error(kNonFinite) naming the target if a value is beyond float32
LoraLayer layer_of(const std::string& target, const LayerParts& parts, const at::Tensor& up,
                   const at::Tensor& down);

}  // namespace ziplora
