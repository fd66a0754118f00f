// The merge method `ctm`: Compress then Merge, arXiv 2606.03723 (ICML 2026;
// github.com/ZhengbaoHe/compress-then-merge, commit 6017d1e, task_merger.py, `low_rank_core`). The r output
// and r input directions that serve all inputs best are chosen first; the inputs' coordinates in them, r × r
// numbers each, are merged by TIES or as --inside says. So the result has rank r without a cut afterwards:
//
//     X_k = ((1 − β) mean_j ‖w_j ΔW_j‖ + β ‖w_k ΔW_k‖) · w_k ΔW_k / ‖w_k ΔW_k‖
//     U, V with r orthonormal columns that maximise Σ_k ‖Uᵀ X_k V‖²       (Tucker-2: HOSVD, then HOOI)
//     ΔW = U · merge(Uᵀ ΔW_1 V, …, Uᵀ ΔW_K V) · Vᵀ
//
// HOOI runs on the inputs' cores (joint_core.h), which have the same optimum (the paper's theorem 4.3); ΔW is
// never built. It stops as the authors' does: when the relative error of all X_k changes by less than 1e-6.
// Their code knows one weight for all inputs, and keeps one value more than its topK says. Here an input's
// strength is part of its size, so one of strength 0 claims no direction; in TIES it has no vote. One adapter
// alone is trimmed, as by `ties`.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_svd.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "ziplora/base/error.h"
#include "ziplora/merge/joint_core.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/merge_inside.h"

namespace ziplora {
namespace {

constexpr int kMostIterations = 1000;
constexpr double kTolerance = 1e-6;

/// The X_k in the bases of the cores.
std::vector<at::Tensor> balanced(const JointCore& joint, const LayerParts& parts, double beta) {
  std::vector<at::Tensor> scaled;
  std::vector<double> norms;
  double mean = 0;
  for (size_t k = 0; k < parts.size(); ++k) {
    scaled.push_back(joint.cores[k] * parts[k].strength);
    norms.push_back(scaled[k].norm().item<double>());
    mean += norms[k] / static_cast<double>(parts.size());
  }
  for (size_t k = 0; k < parts.size(); ++k)
    if (norms[k] > 0) scaled[k] *= beta + (1 - beta) * mean / norms[k];
  return scaled;
}

/// The `rank` leading left singular vectors of [x_1 … x_K].
at::Tensor leading(const std::vector<at::Tensor>& matrices, int64_t rank) {
  return std::get<0>(at::linalg_svd(at::cat(matrices, 1), /*full_matrices=*/false)).narrow(1, 0, rank);
}

std::vector<at::Tensor> transposed(const std::vector<at::Tensor>& matrices) {
  std::vector<at::Tensor> result;
  for (const at::Tensor& matrix : matrices) result.push_back(matrix.t());
  return result;
}

/// x_k · basis
std::vector<at::Tensor> times(const std::vector<at::Tensor>& matrices, const at::Tensor& basis) {
  std::vector<at::Tensor> result;
  for (const at::Tensor& matrix : matrices) result.push_back(matrix.matmul(basis));
  return result;
}

struct SharedBases {
  at::Tensor u, v;  // [m, rank], [n, rank]
};

/// Higher-order orthogonal iteration from the HOSVD: U is the best for V, then V for U, until they rest.
SharedBases shared_bases(const std::vector<at::Tensor>& x, int64_t rank) {
  const std::vector<at::Tensor> xt = transposed(x);
  double squared = 0;
  for (const at::Tensor& matrix : x) squared += matrix.square().sum().item<double>();
  SharedBases bases{leading(x, rank), leading(xt, rank)};
  double before = 0;
  for (int iteration = 0; iteration < kMostIterations && squared > 0; ++iteration) {
    bases.u = leading(times(x, bases.v), rank);
    const std::vector<at::Tensor> seen = times(xt, bases.u);  // X_kᵀ U
    bases.v = leading(seen, rank);
    const double held = bases.v.t().matmul(at::cat(seen, 1)).square().sum().item<double>();
    const double error = std::sqrt(std::abs(squared - held) / squared);
    if (iteration > 1 && std::abs(before - error) < kTolerance) break;
    before = error;
  }
  return bases;
}

struct Compressing {
  /// 0: the largest among the inputs, layer by layer.
  int64_t rank;
  double beta;

  LoraLayer operator()(const std::string& target, const LayerParts& parts, const MergeInside& merge) const {
    const JointCore joint = joint_core(target, parts);
    int64_t most = rank;
    if (most == 0)
      for (const LayerPart& part : parts) most = std::max(most, part.layer->rank());
    const int64_t kept = std::min({most, joint.left.size(1), joint.right.size(1)});
    const SharedBases bases = shared_bases(balanced(joint, parts, beta), kept);
    std::vector<at::Tensor> coordinates;
    for (const at::Tensor& core : joint.cores)
      coordinates.push_back(bases.u.t().matmul(core).matmul(bases.v));
    const at::Tensor merged = merge(target, parts, coordinates);
    const LiveSvd svd = live_svd(merged, sum_of_cores(joint, parts).terms);
    const at::Tensor root = svd.s.sqrt();
    return layer_of(target, parts, joint.left.matmul(bases.u.matmul(svd.u)) * root,
                    root.unsqueeze(1) * svd.vt.matmul(joint.right.matmul(bases.v).t()));
  }
};

Compressing compressing_of(const nlohmann::json& options) {
  const double beta = options["beta"];
  if (beta >= 0 && beta <= 1) return {.rank = options["merged-rank"], .beta = beta};  // refuses NaN, too
  throw Error(ErrorKind::kUsage, "merge: --beta", fmt::format("{} is not between 0 and 1", beta),
              "0 gives every input an equal say in the directions, 1 one by its size; the default is 0.25");
}

MergeResult run_ctm(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                    MergeContext& context) {
  const MergeInside merge(options, context.seed);
  const Compressing compress = compressing_of(options);
  MergeResult result = merge_layerwise(
      inputs, context,
      [&](const std::string& target, const LayerParts& parts) { return compress(target, parts, merge); });
  result.mixes_ranks = true;
  return result;
}

}  // namespace

MergeMethod ctm_method() {
  std::vector<MergeOption> options = {
      {.name = "merged-rank",
       .help = "Give each merged layer this rank at most; 0: the largest among the inputs",
       .default_value = 0,
       .minimum = 0},
      {.name = "beta",
       .help = "Let large inputs choose more of the directions: from 0, all alike, to 1, by their size",
       .default_value = 0.25}};
  for (MergeOption& option : merge_inside_table()) options.push_back(std::move(option));
  return {.name = "ctm",
          .summary =
              "TIES on r × r numbers in the r best shared directions (Compress then Merge, arXiv "
              "2606.03723)",
          .needs_base = false,
          .options = std::move(options),
          .run = run_ctm};
}

}  // namespace ziplora
