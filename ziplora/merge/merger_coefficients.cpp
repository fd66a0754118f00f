#include "ziplora/merge/merger_coefficients.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <map>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

std::string key_of(int64_t adapter, const MergerLayout::Segment& segment) {
  return fmt::format("{}.{}", adapter, segment.target);
}

}  // namespace

MergerLayout::MergerLayout(const std::vector<const Adapter*>& adapters,
                           const std::function<bool(const std::string&)>& is_learned)
    : adapter_count(static_cast<int64_t>(adapters.size())) {
  std::map<std::string, Segment> by_target;
  for (size_t k = 0; k < adapters.size(); ++k) {
    for (const auto& [target, layer] : adapters[k]->layers) {
      if (!is_learned(target)) continue;
      const int64_t size = layer.down.size(1);
      Segment& segment =
          by_target.try_emplace(target, Segment{target, 0, size, std::vector<bool>(adapters.size())})
              .first->second;
      if (segment.size != size)
        throw Error(
            ErrorKind::kIncompatible, "merge: " + target,
            fmt::format("the adapters disagree about this layer's input: {} features in one, {} in another",
                        segment.size, size),
            "run 'ziplora inspect' on each file: they were trained on different architectures");
      segment.held[k] = true;
    }
  }
  for (auto& [target, segment] : by_target) {
    segment.offset = columns;
    columns += segment.size;
    segments.push_back(std::move(segment));
  }
}

MergerCoefficients::MergerCoefficients(MergerLayout layout_, at::ScalarType dtype)
    : layout(std::move(layout_)), values(at::ones({layout.adapter_count, layout.columns}, dtype)) {
  values.set_requires_grad(true);
}

at::Tensor MergerCoefficients::view(int64_t adapter, const MergerLayout::Segment& segment) const {
  return values.select(0, adapter).narrow(0, segment.offset, segment.size);
}

NamedTensors MergerCoefficients::named() const {
  at::NoGradGuard no_grad;
  NamedTensors result;
  for (const MergerLayout::Segment& segment : layout.segments)
    for (int64_t k = 0; k < layout.adapter_count; ++k)
      if (segment.held[k])
        result[key_of(k, segment)] = view(k, segment).detach().to(at::kCPU, at::kFloat, false, true);
  return result;
}

void MergerCoefficients::load(const NamedTensors& named) {
  at::NoGradGuard no_grad;
  size_t used = 0;
  for (const MergerLayout::Segment& segment : layout.segments) {
    for (int64_t k = 0; k < layout.adapter_count; ++k) {
      if (!segment.held[k]) continue;
      const auto found = named.find(key_of(k, segment));
      if (found == named.end() || found->second.numel() != segment.size)
        throw Error(ErrorKind::kIncompatible, "merge: coefficients",
                    fmt::format("{}: found {}, expected {} values", key_of(k, segment),
                                found == named.end() ? "none" : fmt::format("{}", found->second.numel()),
                                segment.size),
                    "the file belongs to a merge of other adapters or targets");
      view(k, segment).copy_(found->second.view({segment.size}));
      ++used;
    }
  }
  if (used != named.size())
    throw Error(ErrorKind::kIncompatible, "merge: coefficients",
                fmt::format("found {} vectors, expected {}", named.size(), used),
                "the file belongs to a merge of other adapters or targets");
}

at::Tensor MergerCoefficients::held_mask() const {
  at::Tensor mask = at::zeros(values.sizes(), at::kBool);
  for (const MergerLayout::Segment& segment : layout.segments)
    for (int64_t k = 0; k < layout.adapter_count; ++k)
      if (segment.held[k]) mask.select(0, k).narrow(0, segment.offset, segment.size).fill_(true);
  return mask;
}

double MergerCoefficients::mean_movement() const {
  at::NoGradGuard no_grad;
  const at::Tensor learned = values.detach().to(at::kCPU).masked_select(held_mask());
  return learned.numel() == 0 ? 0.0 : (learned - 1).abs().mean().item<double>();
}

std::vector<double> MergerCoefficients::movements() const {
  at::NoGradGuard no_grad;
  const at::Tensor mask = held_mask(), moved = (values.detach().to(at::kCPU) - 1).abs();
  std::vector<double> means;
  for (int64_t k = 0; k < layout.adapter_count; ++k) {
    const at::Tensor learned = moved[k].masked_select(mask[k]);
    means.push_back(learned.numel() == 0 ? 0.0 : learned.mean().item<double>());
  }
  return means;
}

at::Tensor as_column_factor(const at::Tensor& m, const at::Tensor& down) {
  return down.dim() == 4 ? m.view({-1, 1, 1}) : m;
}

Adapter fold_coefficients(const Adapter& adapter, const MergerCoefficients& coefficients, int64_t k) {
  at::NoGradGuard no_grad;
  Adapter folded = adapter;
  for (const MergerLayout::Segment& segment : coefficients.layout.segments) {
    if (!segment.held[k]) continue;
    LoraLayer& layer = folded.layers.at(segment.target);
    const at::Tensor down = layer.down.to(at::kFloat);
    const at::Tensor m = coefficients.view(k, segment).detach().to(down.device(), at::kFloat);
    layer.down = down * as_column_factor(m, down);
  }
  return folded;
}

}  // namespace ziplora
