// GLoRA (arXiv 2306.07967) as LyCORIS trains it: ΔW = α/r · (W0 · a1 · a2 + b1 · b2), where a1 a2 mixes the
// input channels of W0. Files of early versions have the pairs the other way round: ΔW = α/r · (W0 a2 a1 + b2
// b1). The shapes tell which; where a square layer fits both, today's order counts.
//
// Sources: KohakuBlueleaf/LyCORIS lycoris/modules/glora.py, Comfy-Org/ComfyUI comfy/weight_adapter/glora.py.
#include <ATen/ops/einsum.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

std::vector<std::string> missing(const DeltaParts& parts) {
  std::vector<std::string> names;
  for (const char* part : {"a1", "a2", "b1", "b2"})
    if (!parts.count(part)) names.push_back(part);
  return names;
}

bool chains(const at::Tensor& left, int64_t out, const at::Tensor& right, int64_t in) {
  return left.size(0) == out && right.size(1) == in && left.size(1) == right.size(0);
}

BaseBoundLayer bind(const DeltaParts& parts, std::optional<double> lora_alpha, const TargetName& target) {
  const auto matrix = [&](const char* part) { return parts.at(part).to(at::kDouble).flatten(1); };
  at::Tensor a1 = matrix("a1"), a2 = matrix("a2"), b1 = matrix("b1"), b2 = matrix("b2");
  const int64_t out = target.weight_shape[0], in = target.weight_shape[1];
  const auto fits = [&] { return chains(a1, in, a2, in) && chains(b1, out, b2, target.columns()); };
  if (!fits()) {
    std::swap(a1, a2);
    std::swap(b1, b2);
  }
  if (!fits())
    throw does_not_fit(
        fmt::format("has GLoRA factors a1 [{}], a2 [{}], b1 [{}], b2 [{}], "
                    "this SDXL architecture's layer is [{}]",
                    fmt::join(parts.at("a1").sizes(), ", "), fmt::join(parts.at("a2").sizes(), ", "),
                    fmt::join(parts.at("b1").sizes(), ", "), fmt::join(parts.at("b2").sizes(), ", "),
                    fmt::join(target.weight_shape, ", ")));
  const int64_t rank = a1.size(1);
  if (rank == 0) throw malformed("has GLoRA factors of rank 0");
  const double scale = lora_alpha ? *lora_alpha / static_cast<double>(rank) : 1.0;
  return {"GLoRA", rank, [=](const at::Tensor& weight) {
            const at::Tensor base = weight.to(at::kDouble).flatten(2 < weight.dim() ? 2 : 1);
            const at::Tensor mixed = weight.dim() > 2
                                         ? at::einsum("oik,ij,jn->onk", {base, a1, a2}).flatten(1)
                                         : base.matmul(a1).matmul(a2);
            return (mixed + b1.matmul(b2)) * scale;
          }};
}

}  // namespace

const DeltaKind kGloraKind{
    "GLoRA",
    {{".a1.weight", "a1"}, {".a2.weight", "a2"}, {".b1.weight", "b1"}, {".b2.weight", "b2"}},
    missing,
    nullptr,
    bind};

}  // namespace ziplora
