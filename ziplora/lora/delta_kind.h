#pragma once
/// How one module's tensors make ΔW. Every kind whose ΔW is a sum on top of the base's weight is brought to
/// ordinary LoRA factors here, by algebra and not by approximation, so nothing above this table knows LoHa
/// from LoKr.
///
///     const DeltaKind& kind = find_delta_kind(parts);          // parts: "down", "up" or "hada_w1_a", …
///     LoraLayer layer = kind.to_factors(parts, alpha, target);
///
/// A kind is one file (delta_<name>.cpp) and one line in delta_kinds.cpp; key dialects take their suffixes
/// from the table. Left out, because their effect depends on the base's weights: DoRA, OFT, IA3, GLoRA
/// (foreign_files.cpp names them).

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// The tensors of one module by part name, without its alpha.
using DeltaParts = std::map<std::string, at::Tensor>;

struct PartSuffix {
  std::string_view suffix;  ///< of the key: ".lora_down.weight"
  const char* part;         ///< "down"
};

struct DeltaKind {
  const char* name;  ///< "LoRA", "LoHa", …
  std::vector<PartSuffix> suffixes;
  /// Names of parts that are still needed, for messages; empty if the module is whole.
  std::vector<std::string> (*missing)(const DeltaParts& parts);
  /// @param lora_alpha  as in the file; each kind has its own rule for the scale
  /// @return factors in the target's own shape with the same ΔW
  /// @throws Error(kInput) if the parts do not fit each other, Error(kIncompatible) if they do not fit the
  /// target
  LoraLayer (*to_factors)(const DeltaParts& parts, std::optional<double> lora_alpha,
                          const TargetName& target);
};

const std::vector<DeltaKind>& delta_kinds();

/// The kind that these parts belong to; the first of the table if there are none.
/// @throws Error(kInput) if they belong to several
const DeltaKind& find_delta_kind(const DeltaParts& parts);

inline constexpr const char* kAlphaPart = "alpha";
/// Splits "module.lora_up.weight" into module and part at a suffix of any kind, or at ".alpha"; never at
/// another dot.
std::optional<std::pair<std::string, std::string>> split_part(const std::string& key);

/// The layer if its factors have the target's shape; writers disagree on whether a linear factor is [r, in]
/// or [r, in, 1, 1], so these are brought to the target's own form first.
/// @throws Error as to_factors
LoraLayer require_factors_of(LoraLayer layer, const TargetName& target);

/// Left [out, k] and right [k, in·kh·kw] in float64 with left @ right · scale = ΔW, as a layer; see
/// `layer_of_delta` if k exceeds both sides.
/// @throws Error as to_factors
LoraLayer layer_of_product(const at::Tensor& left, const at::Tensor& right, double scale,
                           const TargetName& target);

/// A whole delta [out, in·kh·kw] in float64, stored against an identity on its shorter side: exact, and as
/// small as exact factors of full rank can be.
/// @throws Error as to_factors
LoraLayer layer_of_delta(const at::Tensor& delta, double scale, const TargetName& target);

// One file each.
extern const DeltaKind kLoraKind, kLohaKind, kLokrKind, kFullKind;

}  // namespace ziplora
