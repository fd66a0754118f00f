#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/factor_shapes.h"
#include "ziplora/lora/vector_deltas.h"
#include "ziplora/lora/weight_decomposition.h"

namespace ziplora {
namespace {

bool owns(const DeltaKind& kind, const std::string& part) {
  return std::any_of(kind.suffixes.begin(), kind.suffixes.end(),
                     [&](const PartSuffix& suffix) { return part == suffix.part; });
}

/// Of all parts, the longest first, so that ".weight" is tried after those that end with it.
const std::vector<PartSuffix>& part_suffixes() {
  static const std::vector<PartSuffix> suffixes = [] {
    std::vector<PartSuffix> list{{".alpha", kAlphaPart, PartForm::kAny}};
    for (const auto* more : {&magnitude_suffixes(), &vector_suffixes()})
      list.insert(list.end(), more->begin(), more->end());
    for (const DeltaKind& kind : delta_kinds())
      list.insert(list.end(), kind.suffixes.begin(), kind.suffixes.end());
    std::stable_sort(list.begin(), list.end(), [](const PartSuffix& a, const PartSuffix& b) {
      return a.suffix.size() > b.suffix.size();
    });
    return list;
  }();
  return suffixes;
}

at::Tensor in_form_of(const at::Tensor& factor, const TargetName& target) {
  if (!target.is_convolution() && factor.dim() == 4 && factor.size(2) == 1 && factor.size(3) == 1)
    return factor.flatten(1);
  if (target.is_convolution() && factor.dim() == 2) return factor.unsqueeze(-1).unsqueeze(-1);
  return factor;
}

}  // namespace

const std::vector<DeltaKind>& delta_kinds() {
  static const std::vector<DeltaKind> table{kLoraKind,     kLohaKind,  kLokrKind, kFullKind, kOftKind,
                                            kOftInputKind, kGloraKind, kIa3Kind,  kSetKind};
  return table;
}

const DeltaKind& find_delta_kind(const DeltaParts& parts) {
  for (const auto& [part, tensor] : parts)
    if (std::ranges::none_of(delta_kinds(),
                             [&part = part](const DeltaKind& kind) { return owns(kind, part); }))
      throw ambiguous(fmt::format("holds {}, which only a norm can have", part));
  const DeltaKind* found = nullptr;
  for (const DeltaKind& kind : delta_kinds())
    for (const auto& [part, tensor] : parts) {
      if (!owns(kind, part)) continue;
      if (found != nullptr && found != &kind)
        throw ambiguous(fmt::format("holds parts of {} and of {}; which of them counts is unclear",
                                    found->name, kind.name));
      found = &kind;
    }
  return found == nullptr ? delta_kinds().front() : *found;
}

std::optional<std::pair<std::string, std::string>> split_part(const std::string& key, bool flattened) {
  for (const PartSuffix& suffix : part_suffixes())
    if (key.ends_with(suffix.suffix) && (suffix.form != PartForm::kFlattenedOnly || flattened))
      return std::pair<std::string, std::string>{key.substr(0, key.size() - suffix.suffix.size()),
                                                 suffix.part};
  return std::nullopt;
}

bool may_have_any_shape(const std::string& part) {
  const auto& suffixes = part_suffixes();
  return std::none_of(suffixes.begin(), suffixes.end(), [&](const PartSuffix& suffix) {
    return part == suffix.part && suffix.form == PartForm::kMatrix;
  });
}

void require_size_of_delta(int64_t out, int64_t columns, const TargetName& target) {
  if (out == target.weight_shape[0] && columns == target.columns()) return;
  throw does_not_fit(fmt::format("makes a ΔW of {} × {}, this SDXL architecture needs [{}]", out, columns,
                                 fmt::join(target.weight_shape, ", ")));
}

LoraLayer require_factors_of(LoraLayer layer, const TargetName& target) {
  layer.down = in_form_of(layer.down, target);
  layer.up = in_form_of(layer.up, target);
  const int64_t rank = layer.rank();
  const std::string found = "has " + describe_shapes(layer);
  if (rank == 0 || layer.up.size(1) != rank) throw malformed(found + ": the ranks differ or are 0");
  if (factors_fit(layer, target.weight_shape)) return layer;
  const FactorShapes needed = factor_shapes(target.weight_shape, rank);
  throw does_not_fit(fmt::format("{}, this SDXL architecture needs [{}] and [{}]", found,
                                 fmt::join(needed.down, ", "), fmt::join(needed.up, ", ")));
}

LoraLayer layer_of_product(const at::Tensor& left, const at::Tensor& right, double scale,
                           const TargetName& target) {
  const int64_t out = left.size(0), in = right.size(1), rank = left.size(1);
  if (rank == 0) throw malformed("has factors of rank 0");
  require_size_of_delta(out, in, target);
  if (rank > std::min(out, in)) return layer_of_delta(left.matmul(right), scale, target);
  const FactorShapes shapes = factor_shapes(target.weight_shape, rank);
  return {right.to(at::kFloat).reshape(shapes.down), left.to(at::kFloat).reshape(shapes.up),
          scale * static_cast<double>(rank)};
}

LoraLayer layer_of_delta(const at::Tensor& delta, double scale, const TargetName& target) {
  const int64_t out = delta.size(0), in = delta.size(1);
  if (out <= in) return layer_of_product(at::eye(out, delta.options()), delta, scale, target);
  return layer_of_product(delta, at::eye(in, delta.options()), scale, target);
}

}  // namespace ziplora
