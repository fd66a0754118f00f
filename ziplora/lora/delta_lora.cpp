// LoRA (arXiv 2106.09685) and LoCon: ΔW = α/r · up @ down. With a core (LyCORIS' Tucker form, lora_mid [r, r,
// kh, kw]) ΔW[o,i,k,l] = α/r · Σ_mn up[o,m] mid[m,n,k,l] down[n,i]; the core times down is an ordinary down.
// PEFT's lora_B may have a bias: it is scaled like ΔW and added to the layer's bias (adapter_survey.cpp).
//
// Sources: kohya-ss/sd-scripts networks/lora.py, KohakuBlueleaf/LyCORIS lycoris/functional/locon.py.
#include <ATen/ops/einsum.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/lora/delta_kind.h"

namespace ziplora {
namespace {

std::vector<std::string> missing(const DeltaParts& parts) {
  std::vector<std::string> names;
  for (const char* part : {"down", "up"})
    if (!parts.count(part)) names.push_back(part);
  return names;
}

at::Tensor with_core(const at::Tensor& mid, const at::Tensor& down, const at::Tensor& up,
                     const TargetName& target) {
  const at::Tensor flat = down.flatten(1);  // [r, in]
  if (mid.dim() != 4 || mid.size(1) != flat.size(0) || mid.size(0) != up.size(1))
    throw malformed(fmt::format("has down [{}], lora_mid [{}] and up [{}]: the ranks differ",
                                fmt::join(down.sizes(), ", "), fmt::join(mid.sizes(), ", "),
                                fmt::join(up.sizes(), ", ")));
  require_size_of_delta(up.size(0), flat.size(1) * mid.size(2) * mid.size(3), target);
  return at::einsum("mnkl,ni->mikl", {mid.to(at::kDouble), flat.to(at::kDouble)}).to(at::kFloat);
}

LoraLayer to_factors(const DeltaParts& parts, std::optional<double> lora_alpha, const TargetName& target) {
  LoraLayer layer{parts.at("down"), parts.at("up"), lora_alpha};
  if (const auto mid = parts.find("mid"); mid != parts.end())
    layer.down = with_core(mid->second, layer.down, layer.up, target);
  return require_factors_of(std::move(layer), target);
}

}  // namespace

const DeltaKind kLoraKind{"LoRA",
                          {{".lora_down.weight", "down"},
                           {".lora_up.weight", "up"},
                           {".lora_A.weight", "down"},
                           {".lora_B.weight", "up"},
                           {".lora.down.weight", "down"},
                           {".lora.up.weight", "up"},
                           {".lora_linear_layer.down.weight", "down"},
                           {".lora_linear_layer.up.weight", "up"},
                           {".lora_mid.weight", "mid"},
                           {".lora_B.bias", "up_bias", PartForm::kAny}},
                          missing,
                          to_factors,
                          nullptr,
                          {"down"}};

}  // namespace ziplora
