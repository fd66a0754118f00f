#include "ziplora/lora/factorize.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <tuple>

#include "ziplora/base/error.h"

namespace ziplora {

CompressedLayer factorize(const at::Tensor& delta, const RankRule& rule) {
  const at::Tensor matrix = delta.detach().to(at::kDouble).flatten(1);  // [out, in·kh·kw]
  if (!at::isfinite(matrix).all().item<bool>())
    throw Error(ErrorKind::kNonFinite, "factorize", "ΔW holds NaN or Inf",
                "one of the inputs is damaged, or has values whose product is too large");
  const bool wide = matrix.size(0) <= matrix.size(1);
  const at::Tensor gram = wide ? matrix.matmul(matrix.t()) : matrix.t().matmul(matrix);  // [n, n]
  const auto [eigenvalues, eigenvectors] = at::linalg_eigh(gram);                        // smallest first
  const at::Tensor s = eigenvalues.flip({0}).clamp_min(0).sqrt();
  const int64_t kept = rule.kept(s);

  // One side's singular vectors; the other's, times s, are what ΔW makes of them.
  const at::Tensor vectors = eigenvectors.flip({1}).narrow(1, 0, kept);
  const at::Tensor images = wide ? matrix.t().matmul(vectors) : matrix.matmul(vectors);  // columns s_i · v_i
  const at::Tensor root = s.narrow(0, 0, kept).sqrt();
  const at::Tensor balanced = at::where(root > 0, images / root, at::zeros_like(images));
  const at::Tensor up = wide ? vectors * root : balanced, down = (wide ? balanced : vectors * root).t();

  std::vector<int64_t> down_shape = delta.sizes().vec(), up_shape{delta.size(0), kept};
  down_shape[0] = kept;
  if (delta.dim() == 4) up_shape.insert(up_shape.end(), {1, 1});
  CompressedLayer result;
  result.layer.down = down.to(at::kFloat).contiguous().view(down_shape);
  result.layer.up = up.to(at::kFloat).contiguous().view(up_shape);
  result.layer.lora_alpha = static_cast<double>(kept);
  result.norm = matrix.norm().item<double>();
  result.dropped_norm = s.narrow(0, kept, s.size(0) - kept).norm().item<double>();
  return result;
}

}  // namespace ziplora
