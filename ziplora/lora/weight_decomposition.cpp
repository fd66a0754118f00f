#include "ziplora/lora/weight_decomposition.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ziplora {
namespace {

constexpr const char* kScale = "dora_scale";
constexpr const char* kVector = "lora_magnitude_vector";

/// [out, 1, 1, 1]: over rows; [1, in, 1, 1]: over columns; [out], over rows, is what converters make of
/// PEFT's.
bool is_over_rows(const Magnitude& magnitude, const TargetName& target) {
  const at::Tensor& m = magnitude.m;
  const int64_t out = target.weight_shape[0], in = target.weight_shape[1];
  const bool first = m.dim() > 0 && m.size(0) == out && m.numel() == out;
  if (magnitude.always_over_rows ? m.numel() == out : first) return true;
  if (!magnitude.always_over_rows && m.dim() > 1 && m.size(1) == in && m.numel() == in) return false;
  throw does_not_fit(
      fmt::format("has a DoRA magnitude [{}], this SDXL architecture needs one for {} rows or {} columns",
                  fmt::join(m.sizes(), ", "), out, in));
}

}  // namespace

const std::vector<PartSuffix>& magnitude_suffixes() {
  static const std::vector<PartSuffix> suffixes{{".dora_scale", kScale, PartForm::kAny},
                                                {".lora_magnitude_vector", kVector, PartForm::kAny},
                                                {".lora_magnitude_vector.weight", kVector, PartForm::kAny}};
  return suffixes;
}

std::optional<Magnitude> take_magnitude(DeltaParts& parts) {
  const auto scale = parts.extract(kScale), vector = parts.extract(kVector);
  if (scale && vector)
    throw ambiguous("has a dora_scale and a lora_magnitude_vector; which of them counts is unclear");
  if (scale) return Magnitude{scale.mapped(), false};
  if (vector) return Magnitude{vector.mapped(), true};
  return std::nullopt;
}

BaseBoundLayer decompose(LoraLayer factors, const Magnitude& magnitude, const TargetName& target) {
  const bool over_rows = is_over_rows(magnitude, target);
  const int64_t rank = factors.rank();
  return {"DoRA", rank, [factors = std::move(factors), over_rows, m = magnitude.m](const at::Tensor& weight) {
            const at::Tensor base = weight.to(at::kDouble);
            const at::Tensor added =
                factors.up.to(at::kDouble).flatten(1).matmul(factors.down.to(at::kDouble).flatten(1)) *
                factors.scale();  // [out, in·kh·kw]
            const at::Tensor direction = base + added.view(base.sizes());
            std::vector<int64_t> others, broadcast(base.dim(), 1);
            for (int64_t d = 0; d < base.dim(); ++d)
              if (d != (over_rows ? 0 : 1)) others.push_back(d);
            broadcast[over_rows ? 0 : 1] = -1;
            // A row of zeros has no direction and stays zero.
            const at::Tensor norm = direction.norm(2, others, /*keepdim=*/true).clamp_min(1e-30);
            return (direction * (m.to(at::kDouble).reshape(broadcast) / norm) - base).flatten(1);
          }};
}

}  // namespace ziplora
