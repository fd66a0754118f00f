#include "ziplora/lora/vector_deltas.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

void take(DeltaParts& parts, const char* part, const std::string& parameter, int64_t length,
          const TargetName& target, NamedTensors& deltas) {
  const auto found = parts.extract(part);
  if (!found) return;
  const at::Tensor& delta = found.mapped();
  const bool has_vector = parameter == "weight" || target.has_bias;
  // LyCORIS saves [n]; a convolution's bias is [n, 1, 1] in some files.
  if (!has_vector || delta.dim() == 0 || delta.size(0) != length || delta.numel() != length)
    throw does_not_fit(fmt::format("has a difference of its {} of shape [{}], {}", parameter,
                                   fmt::join(delta.sizes(), ", "),
                                   has_vector ? fmt::format("this SDXL architecture needs [{}]", length)
                                              : "and this SDXL architecture has no bias there"));
  if (!deltas.emplace(target.canonical + "." + parameter, delta.flatten()).second)
    throw ambiguous(fmt::format("gives its {} twice", parameter));
}

}  // namespace

const std::vector<PartSuffix>& vector_suffixes() {
  static const std::vector<PartSuffix> suffixes{{".diff_b", "diff_b", PartForm::kAny},
                                                {".w_norm", "w_norm", PartForm::kAny},
                                                {".b_norm", "b_norm", PartForm::kAny}};
  return suffixes;
}

void take_vector_deltas(DeltaParts& parts, const TargetName& target, NamedTensors& deltas) {
  const int64_t length = target.weight_shape[0];
  take(parts, "diff_b", "bias", length, target, deltas);
  if (!target.is_norm()) return;
  take(parts, "b_norm", "bias", length, target, deltas);
  take(parts, "w_norm", "weight", length, target, deltas);
  take(parts, "diff", "weight", length, target, deltas);
}

std::pair<const TargetName*, const char*> vector_suffix_of(const std::string& parameter,
                                                           const TargetNames& names) {
  const size_t dot = parameter.rfind('.');
  const TargetName* target = names.find(parameter.substr(0, dot));
  const bool is_weight = parameter.substr(dot + 1) == "weight";
  if (target == nullptr || (is_weight && !target->is_norm()))
    throw Error(ErrorKind::kInternal, "write adapter", parameter + " is no vector of the architecture");
  return {target, is_weight ? ".w_norm" : target->is_norm() ? ".b_norm" : ".diff_b"};
}

void add_vector_deltas(NamedTensors& sum, const NamedTensors& deltas, double strength) {
  for (const auto& [parameter, delta] : deltas) {
    at::Tensor& total = sum[parameter];
    const at::Tensor scaled = delta.to(at::kFloat) * strength;
    total = total.defined() ? total + scaled : scaled;
  }
}

}  // namespace ziplora
