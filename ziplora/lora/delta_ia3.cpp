// IA³ (arXiv 2205.05638): a learned factor for each input or output channel, stored as its difference from 1:
// ΔW = W0 · diag(w) or diag(w) · W0.
//
// Source: KohakuBlueleaf/LyCORIS lycoris/modules/ia3.py.
#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

std::vector<std::string> missing(const DeltaParts& parts) {
  std::vector<std::string> names;
  for (const char* part : {"weight", "on_input"})
    if (!parts.count(part)) names.push_back(part);
  return names;
}

BaseBoundLayer bind(const DeltaParts& parts, std::optional<double>, const TargetName& target) {
  const at::Tensor factors = parts.at("weight"), flag = parts.at("on_input");
  if (flag.numel() != 1)
    throw malformed(
        fmt::format("has on_input [{}], which should be one number", fmt::join(flag.sizes(), ", ")));
  const bool on_input = flag.item<double>() != 0;
  const int64_t channels = target.weight_shape[on_input ? 1 : 0];
  if (factors.numel() != channels)
    throw does_not_fit(fmt::format("has IA3 factors [{}], this SDXL architecture needs {}",
                                   fmt::join(factors.sizes(), ", "), channels));
  return {"IA3", 0, [=](const at::Tensor& weight) {
            std::vector<int64_t> broadcast(weight.dim(), 1);
            broadcast[on_input ? 1 : 0] = -1;
            return (weight.to(at::kDouble) * factors.to(at::kDouble).reshape(broadcast)).flatten(1);
          }};
}

}  // namespace

const DeltaKind kIa3Kind{
    "IA3",
    {{".weight", "weight", PartForm::kFlattenedOnly}, {".on_input", "on_input", PartForm::kAny}},
    missing,
    nullptr,
    bind};

}  // namespace ziplora
