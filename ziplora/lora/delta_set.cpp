// A whole weight that takes the place of the base's (`.set_weight`): ΔW = W − W0. ComfyUI writes W whatever
// the strength; here the strength interpolates from W0 to W.
//
// Source: Comfy-Org/ComfyUI comfy/lora.py, patch type "set".
#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

std::vector<std::string> missing(const DeltaParts&) { return {}; }

BaseBoundLayer bind(const DeltaParts& parts, std::optional<double>, const TargetName& target) {
  const at::Tensor whole = parts.at("set_weight");
  if (whole.sizes() != target.weight_shape)
    throw does_not_fit(fmt::format("has a set_weight [{}], this SDXL architecture needs [{}]",
                                   fmt::join(whole.sizes(), ", "), fmt::join(target.weight_shape, ", ")));
  return {"set_weight", 0, [=](const at::Tensor& weight) {
            return (whole.to(at::kDouble) - weight.to(at::kDouble)).flatten(1);
          }};
}

}  // namespace

const DeltaKind kSetKind{"set_weight", {{".set_weight", "set_weight"}}, missing, nullptr, bind};

}  // namespace ziplora
