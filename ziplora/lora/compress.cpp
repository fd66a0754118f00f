#include "ziplora/lora/compress.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "ziplora/base/error.h"
#include "ziplora/lora/all_finite.h"

namespace ziplora {
namespace {

struct ThinSvd {
  at::Tensor u, s, v;  ///< [out, k], [k], [k, in·kh·kw] in float64
};

/// @param where  names the layer in errors where it is known
ThinSvd thin_svd(const LoraLayer& layer, const std::string& where) {
  const at::Tensor up = layer.up.detach().to(at::kDouble).flatten(1) * layer.scale();  // [out, rank]
  const at::Tensor down = layer.down.detach().to(at::kDouble).flatten(1);              // [rank, in]
  const auto [q_up, r_up] = at::linalg_qr(up);
  const auto [q_down, r_down] = at::linalg_qr(down.t());
  const at::Tensor core = r_up.matmul(r_down.t());
  if (!all_finite(core))  // LAPACK's own message names neither layer nor reason
    throw Error(ErrorKind::kNonFinite, where, "the factors or their product hold NaN or Inf",
                "use a smaller strength; if training diverged, 'ziplora inspect' shows which file is broken");
  const auto [u, s, v] = at::linalg_svd(core, /*full_matrices=*/false);
  // Terms that cancel each other, a · x − a · x, leave rounding errors, whose direction means nothing. The
  // bound on them is summed rank by rank, so that it does not matter how a rank's size is split between its
  // two factors.
  const double terms = (r_up.norm(2, {0}) * r_down.norm(2, {0})).sum().item<double>();
  const double rounding = 16 * std::numeric_limits<double>::epsilon() * terms;
  return {q_up.matmul(u), at::where(s > rounding, s, 0), v.matmul(q_down.t())};
}

CompressedLayer truncate(const LoraLayer& layer, const RankRule& rule, const std::string& where) {
  const ThinSvd svd = thin_svd(layer, where);
  const int64_t kept = rule.kept(svd.s);
  const at::Tensor root = svd.s.narrow(0, 0, kept).sqrt();
  std::vector<int64_t> down_shape = layer.down.sizes().vec(), up_shape = layer.up.sizes().vec();
  down_shape[0] = up_shape[1] = kept;
  CompressedLayer result{.layer = layer};
  result.layer.up = (svd.u.narrow(1, 0, kept) * root).to(at::kFloat).reshape(up_shape);
  result.layer.down = (root.unsqueeze(1) * svd.v.narrow(0, 0, kept)).to(at::kFloat).reshape(down_shape);
  result.layer.lora_alpha = static_cast<double>(kept);
  result.norm = svd.s.norm().item<double>();
  result.dropped_norm = svd.s.narrow(0, kept, svd.s.size(0) - kept).norm().item<double>();
  return result;
}

}  // namespace

void RankRule::check(const std::string& where) const {
  if (most < 1)
    throw Error(ErrorKind::kUsage, where, fmt::format("a rank is 1 or more, found {}", most),
                "choose a higher rank, for example 32");
  if (!(energy > 0 && energy <= 1))
    throw Error(ErrorKind::kUsage, where,
                fmt::format("an energy of {} is not a share between 0 and 1", energy),
                "choose an energy of at most 1: 0.99 keeps 99 % of each layer's squared norm");
}

int64_t RankRule::kept(const at::Tensor& singular_values) const {
  const int64_t available = std::max<int64_t>(singular_values.size(0), 1);
  int64_t needed = available;
  if (energy < 1 && singular_values.size(0) > 0) {
    const at::Tensor kept_energy = singular_values.to(at::kDouble).square().cumsum(0);
    const double enough = energy * kept_energy[-1].item<double>();
    needed = std::min(available, 1 + (kept_energy < enough).sum().item<int64_t>());
  }
  return std::min(needed, most);
}

CompressedLayer compress_layer(const LoraLayer& layer, const RankRule& rule) {
  return truncate(layer, rule, "compress");
}

Compression compress(const Adapter& adapter, const RankRule& rule,
                     const std::function<void()>& before_layer) {
  rule.check("compress");
  Compression result{.adapter = adapter, .relative_error_of_layer = {}};
  double total = 0, dropped = 0;
  for (const auto& [target, layer] : adapter.layers) {
    before_layer();
    CompressedLayer compressed = truncate(layer, rule, "compress " + target);
    total += compressed.norm * compressed.norm;
    dropped += compressed.dropped_norm * compressed.dropped_norm;
    result.relative_error_of_layer[target] = compressed.relative_error();
    result.adapter.layers[target] = std::move(compressed.layer);
  }
  result.relative_error = total > 0 ? std::sqrt(dropped / total) : 0;
  return result;
}

at::Tensor singular_values(const LoraLayer& layer) { return thin_svd(layer, "singular values").s; }

}  // namespace ziplora
