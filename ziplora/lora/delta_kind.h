#pragma once
/// How one module's tensors make ΔW. Every kind whose ΔW is a sum on top of the base's weight is brought to
/// ordinary LoRA factors here, by algebra and not by approximation, so nothing above this table knows LoHa
/// from LoKr. A kind whose ΔW depends on the base's weight gives it as a function of that weight
/// (resolve_against_base.h calls it).
///
///     const DeltaKind& kind = find_delta_kind(parts);          // parts: "down", "up" or "hada_w1_a", …
///     LoraLayer layer = kind.to_factors(parts, alpha, target);
///
/// A kind is one file (delta_<name>.cpp) and one line in delta_kinds.cpp; key dialects take their suffixes
/// from the table. Parts that go along with any kind are not here: DoRA's magnitude (weight_decomposition.h),
/// biases and norms (vector_deltas.h). What cannot be read is named in foreign_files.cpp.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// The tensors of one module by part name, without its alpha.
using DeltaParts = std::map<std::string, at::Tensor>;

enum class PartForm {
  kMatrix,         ///< 2 or 4 dimensions
  kAny,            ///< the kind checks
  kFlattenedOnly,  ///< of any shape; so plain a suffix that only kohya's undotted module names take it
};

struct PartSuffix {
  std::string_view suffix;  ///< of the key: ".lora_down.weight"
  const char* part;         ///< "down"
  PartForm form = PartForm::kMatrix;
};

/// A layer whose ΔW depends on the weight that it goes on.
struct BaseBoundLayer {
  const char* kind;  ///< "DoRA", "OFT", …
  int64_t rank;      ///< of the factors in the file; 0 if there are none
  /// The base's weight, [out, in] or [out, in, kh, kw], of any dtype → ΔW [out, in·kh·kw] float64.
  std::function<at::Tensor(const at::Tensor& weight)> delta;
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
                          const TargetName& target) = nullptr;
  /// Instead of `to_factors`, where the base's weight is needed. Throws as it does, before any weight is
  /// seen.
  BaseBoundLayer (*bind)(const DeltaParts& parts, std::optional<double> lora_alpha,
                         const TargetName& target) = nullptr;
  /// Of `to_factors`: the first of these parts that is there has the rank as its first dimension; without
  /// them the file has no factors.
  std::vector<const char*> rank_parts{};
};

const std::vector<DeltaKind>& delta_kinds();

/// The kind that these parts belong to; the first of the table if there are none.
/// @throws Error(kInput) if they belong to several
const DeltaKind& find_delta_kind(const DeltaParts& parts);

inline constexpr const char* kAlphaPart = "alpha";
/// Splits "module.lora_up.weight" into module and part at a suffix of any kind, at ".alpha", or at one of a
/// part that goes along with any kind; never at another dot.
/// @param flattened  the key's module is kohya's, without dots
std::optional<std::pair<std::string, std::string>> split_part(const std::string& key, bool flattened = false);
/// @return false if only matrices and kernels can be that part
bool may_have_any_shape(const std::string& part);

inline constexpr const char* kAnotherBase = "use a LoRA that was made for the base it goes on";
/// Of parts that fit each other and not their layer, kIncompatible.
Error does_not_fit(const std::string& problem);

/// Before factors are multiplied: a few megabytes of them can make terabytes.
/// @throws Error(kIncompatible) unless a ΔW [out, columns] has the size of the target's weight
void require_size_of_delta(int64_t out, int64_t columns, const TargetName& target);

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
extern const DeltaKind kLoraKind, kLohaKind, kLokrKind, kFullKind, kOftKind, kOftInputKind, kGloraKind,
    kIa3Kind, kSetKind;

}  // namespace ziplora
