#include "ziplora/lora/compress.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>

#include <cmath>
#include <tuple>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

struct ThinSvd {
  at::Tensor u, s, v;  ///< [out, k], [k], [k, in·kh·kw] in float64
};

ThinSvd thin_svd(const LoraLayer& layer) {
  const at::Tensor up = layer.up.detach().to(at::kDouble).flatten(1) * layer.scale();  // [out, rank]
  const at::Tensor down = layer.down.detach().to(at::kDouble).flatten(1);              // [rank, in]
  const auto [q_up, r_up] = at::linalg_qr(up);
  const auto [q_down, r_down] = at::linalg_qr(down.t());
  const auto [u, s, v] = at::linalg_svd(r_up.matmul(r_down.t()), /*full_matrices=*/false);
  return {q_up.matmul(u), s, v.matmul(q_down.t())};
}

}  // namespace

CompressedLayer compress_layer(const LoraLayer& layer, int64_t rank) {
  const ThinSvd svd = thin_svd(layer);
  const int64_t kept = std::min(rank, svd.s.size(0));
  const at::Tensor root = svd.s.narrow(0, 0, kept).sqrt();
  std::vector<int64_t> down_shape = layer.down.sizes().vec(), up_shape = layer.up.sizes().vec();
  down_shape[0] = up_shape[1] = kept;
  CompressedLayer result;
  result.layer.up = (svd.u.narrow(1, 0, kept) * root).to(at::kFloat).reshape(up_shape);
  result.layer.down = (root.unsqueeze(1) * svd.v.narrow(0, 0, kept)).to(at::kFloat).reshape(down_shape);
  result.layer.lora_alpha = static_cast<double>(kept);
  result.norm = svd.s.norm().item<double>();
  result.dropped_norm = svd.s.narrow(0, kept, svd.s.size(0) - kept).norm().item<double>();
  return result;
}

Compression compress(const Adapter& adapter, int64_t rank) {
  if (rank < 1)
    throw Error(ErrorKind::kUsage, "--rank", "a rank is 1 or more, found " + std::to_string(rank));
  Compression result;
  result.adapter.metadata = adapter.metadata;
  result.adapter.source = adapter.source;
  result.adapter.family = adapter.family;
  double total = 0, dropped = 0;
  for (const auto& [target, layer] : adapter.layers) {
    CompressedLayer compressed = compress_layer(layer, rank);
    total += compressed.norm * compressed.norm;
    dropped += compressed.dropped_norm * compressed.dropped_norm;
    result.relative_error_of_layer[target] = compressed.relative_error();
    result.adapter.layers[target] = std::move(compressed.layer);
  }
  result.relative_error = total > 0 ? std::sqrt(dropped / total) : 0;
  return result;
}

at::Tensor singular_values(const LoraLayer& layer) { return thin_svd(layer).s; }

}  // namespace ziplora
