#include "ziplora/lora/factorize.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <limits>
#include <tuple>

#include "ziplora/base/error.h"
#include "ziplora/lora/factor_shapes.h"

namespace ziplora {

CompressedLayer factorize(const at::Tensor& delta, const RankRule& rule) {
  const at::Tensor matrix = delta.detach().to(at::kDouble).flatten(1);  // [out, in·kh·kw]
  if (!at::isfinite(matrix).all().item<bool>())
    throw Error(ErrorKind::kNonFinite, "factorize", "ΔW holds NaN or Inf",
                "check the inputs: one of them is damaged, or holds values whose product is too large");
  const bool wide = matrix.size(0) <= matrix.size(1);
  const at::Tensor gram = wide ? matrix.matmul(matrix.t()) : matrix.t().matmul(matrix);  // [n, n]
  const auto [eigenvalues, eigenvectors] = at::linalg_eigh(gram);                        // smallest first
  const at::Tensor s = eigenvalues.flip({0}).clamp_min(0).sqrt();
  const int64_t kept = rule.kept(s);

  // One side's singular vectors. ΔW maps them to the other side's, times s.
  const at::Tensor vectors = eigenvectors.flip({1}).narrow(1, 0, kept);
  const at::Tensor images = wide ? matrix.t().matmul(vectors) : matrix.matmul(vectors);  // columns s_i · v_i
  // Their lengths are the s, but for the rounding of the Gram matrix, which hides those below 1e-8 of the largest. What is left
  // of an s of 0 is rounding, whose direction means nothing.
  const at::Tensor length = images.norm(2, {0});
  const double rounding = 16 * std::numeric_limits<double>::epsilon() * matrix.norm().item<double>();
  const at::Tensor root = at::where(length > rounding, length, 0).sqrt();
  const at::Tensor balanced = at::where(root > 0, images / root, at::zeros_like(images));
  const at::Tensor up = wide ? vectors * root : balanced, down = (wide ? balanced : vectors * root).t();

  const FactorShapes shapes = factor_shapes(delta.sizes(), kept);
  CompressedLayer result;
  result.layer.down = down.to(at::kFloat).contiguous().view(shapes.down);
  result.layer.up = up.to(at::kFloat).contiguous().view(shapes.up);
  result.layer.lora_alpha = static_cast<double>(kept);
  result.norm = matrix.norm().item<double>();
  result.dropped_norm = s.narrow(0, kept, s.size(0) - kept).norm().item<double>();
  return result;
}

}  // namespace ziplora
