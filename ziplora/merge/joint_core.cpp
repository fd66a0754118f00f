#include "ziplora/merge/joint_core.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <tuple>

#include "ziplora/base/error.h"
#include "ziplora/lora/all_finite.h"

namespace ziplora {
namespace {

void require_finite(const std::string& target, const at::Tensor& values) {
  if (all_finite(values)) return;
  throw Error(ErrorKind::kNonFinite, "merge: " + target, "the factors or their product hold NaN or Inf",
              "use a smaller strength; if training diverged, 'ziplora inspect' shows which file is broken");
}

}  // namespace

JointCore joint_core(const std::string& target, const LayerParts& parts) {
  std::vector<at::Tensor> ups, downs;
  for (const LayerPart& part : parts) {
    ups.push_back(part.layer->up.detach().to(at::kDouble).flatten(1) * part.layer->scale());
    downs.push_back(part.layer->down.detach().to(at::kDouble).flatten(1));
  }
  const at::Tensor up = at::cat(ups, 1), down = at::cat(downs, 0);  // [out, R], [R, in·kh·kw]
  require_finite(target, up);
  require_finite(target, down);
  JointCore joint{.left = std::get<0>(at::linalg_svd(up, /*full_matrices=*/false)),
                  .right = std::get<2>(at::linalg_svd(down, /*full_matrices=*/false)).t(),
                  .cores = {}};
  for (size_t k = 0; k < parts.size(); ++k)
    joint.cores.push_back(joint.left.t().matmul(ups[k]).matmul(downs[k].matmul(joint.right)));
  return joint;
}

CoreSum sum_of_cores(const JointCore& joint, const LayerParts& parts) {
  CoreSum result{.sum = at::zeros_like(joint.cores[0])};
  for (size_t k = 0; k < parts.size(); ++k) {
    const at::Tensor term = joint.cores[k] * parts[k].strength;
    result.sum += term;
    result.terms += term.norm().item<double>();
  }
  return result;
}

LiveSvd live_svd(const at::Tensor& matrix, double terms) {
  const auto [u, s, vt] = at::linalg_svd(matrix, /*full_matrices=*/false);
  const double dead = std::max(1e-6 * s[0].item<double>(), 1e-12 * terms);
  const int64_t live = (s > dead).sum().item<int64_t>();
  return {u.narrow(1, 0, live), s.narrow(0, 0, live), vt.narrow(0, 0, live)};
}

LoraLayer layer_of(const std::string& target, const LayerParts& parts, const at::Tensor& up,
                   const at::Tensor& down) {
  const int64_t rank = std::max<int64_t>(up.size(1), 1);
  const LoraLayer& like = *parts.front().layer;
  std::vector<int64_t> down_shape = like.down.sizes().vec(), up_shape = like.up.sizes().vec();
  down_shape[0] = up_shape[1] = rank;
  if (up.size(1) == 0)
    return {at::zeros(down_shape, at::kFloat), at::zeros(up_shape, at::kFloat), static_cast<double>(rank)};
  LoraLayer layer{down.to(at::kFloat).reshape(down_shape), up.to(at::kFloat).reshape(up_shape),
                  static_cast<double>(rank)};
  require_finite(target, layer.down);
  require_finite(target, layer.up);
  return layer;
}

}  // namespace ziplora
