#include "ziplora/merge/subspace.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_qr.h>

#include <tuple>

#include "ziplora/lora/compress.h"

namespace ziplora {

at::Tensor principal_directions(const LoraLayer& layer, Side side, std::optional<int64_t> most) {
  const LoraLayer balanced = compress_layer(layer, RankRule{.most = most.value_or(RankRule{}.most)}).layer;
  // Columns √s_i · v_i, largest first.
  const at::Tensor vectors =
      (side == Side::kInput ? balanced.down.flatten(1).t() : balanced.up.flatten(1)).to(at::kDouble);
  const at::Tensor singular = vectors.square().sum(0);
  const int64_t kept = (singular > 1e-6 * singular[0]).sum().item<int64_t>();
  return std::get<0>(at::linalg_qr(vectors.narrow(1, 0, kept)));
}

LoraLayer without_directions(const LoraLayer& layer, Side side, const at::Tensor& directions, double share) {
  LoraLayer result{layer.down.to(at::kFloat), layer.up.to(at::kFloat), layer.lora_alpha};
  at::Tensor& factor = side == Side::kInput ? result.down : result.up;
  const at::Tensor flat = factor.flatten(1).to(at::kDouble);
  const at::Tensor& q = directions;
  const at::Tensor along = side == Side::kInput ? flat.matmul(q).matmul(q.t()) : q.matmul(q.t().matmul(flat));
  factor = (flat - share * along).to(at::kFloat).view(factor.sizes());
  return result;
}

}  // namespace ziplora
