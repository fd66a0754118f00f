#pragma once
/// How the tensors of one module make ΔW. Every kind whose ΔW is added to the base's weight becomes ordinary
/// LoRA factors here, by algebra and not by approximation, so nothing above this table can tell LoHa from
/// LoKr. A kind whose ΔW depends on the base's weight gives a function of that weight, which
/// resolve_against_base.h calls.
///
///     const DeltaKind& kind = find_delta_kind(parts);  // parts: "down", "up" or "hada_w1_a", …
///     LoraLayer layer = kind.to_factors(parts, alpha, target);
///
/// A kind is one file (delta_<name>.cpp) and one line in delta_kinds.cpp; the key dialects take their
/// suffixes from the table. Two things that come with any kind are elsewhere: DoRA's magnitude
/// (weight_decomposition.h), and differences of biases and norms (vector_deltas.h). foreign_files.cpp names
/// the kinds that cannot be read.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/layer_errors.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// The tensors of one module by part name, without its alpha.
using DeltaParts = std::map<std::string, at::Tensor>;

enum class PartForm {
  kMatrix,  ///< 2 or 4 dimensions
  kAny,     ///< the kind checks it
  /// Of any shape, behind a suffix so common (".weight") that only kohya's module names without dots take it.
  kFlattenedOnly,
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
  /// The names of the parts that are missing, for messages; empty if the module is complete.
  std::vector<std::string> (*missing)(const DeltaParts& parts);
  /// @param lora_alpha  as in the file; each kind has its own rule for the scale
  /// @return factors with the same ΔW, in the shapes that the target needs
  /// @throws Error(kInput) if the parts do not fit each other, Error(kIncompatible) if they do not fit the
  ///         target
  LoraLayer (*to_factors)(const DeltaParts& parts, std::optional<double> lora_alpha,
                          const TargetName& target) = nullptr;
  /// Takes the place of `to_factors` where ΔW depends on the base's weight. Throws the same errors, before it
  /// sees any weight.
  BaseBoundLayer (*bind)(const DeltaParts& parts, std::optional<double> lora_alpha,
                         const TargetName& target) = nullptr;
  /// The first of these parts that is present has the rank as its first dimension. None: the file has no
  /// factors.
  std::vector<const char*> rank_parts{};
};

const std::vector<DeltaKind>& delta_kinds();

/// The kind that these parts belong to; the first of the table if there are none.
/// @throws Error(kInput) if they belong to several
const DeltaKind& find_delta_kind(const DeltaParts& parts);

inline constexpr const char* kAlphaPart = "alpha";
/// Splits "module.lora_up.weight" into module and part: at a suffix of any kind, at ".alpha", or at the
/// suffix of a part that comes with any kind; never at another dot.
/// @param flattened  the module is spelled as kohya does, without dots
std::optional<std::pair<std::string, std::string>> split_part(const std::string& key, bool flattened = false);
/// @return false if only matrices and kernels can be that part
bool may_have_any_shape(const std::string& part);

/// Checked before factors are multiplied: a few megabytes of them can make terabytes.
/// @throws Error(kIncompatible) unless a ΔW [out, columns] has the size of the target's weight
void require_size_of_delta(int64_t out, int64_t columns, const TargetName& target);

/// Brings the factors to the target's own form first: writers disagree on whether a linear layer's factor is
/// [r, in] or [r, in, 1, 1].
/// @return the layer, whose factors fit the target
/// @throws Error as to_factors
LoraLayer require_factors_of(LoraLayer layer, const TargetName& target);

/// The layer with ΔW = left @ right · scale. Past full rank it becomes `layer_of_delta`.
/// @param left   [out, k] float64
/// @param right  [k, in·kh·kw] float64
/// @throws Error as to_factors
LoraLayer layer_of_product(const at::Tensor& left, const at::Tensor& right, double scale,
                           const TargetName& target);

/// A whole ΔW as factors, one of them an identity on the shorter side: exact, and as small as exact factors
/// of full rank can be.
/// @param delta  [out, in·kh·kw] float64
/// @throws Error as to_factors
LoraLayer layer_of_delta(const at::Tensor& delta, double scale, const TargetName& target);

// One file each.
extern const DeltaKind kLoraKind, kLohaKind, kLokrKind, kFullKind, kOftKind, kOftInputKind, kGloraKind,
    kIa3Kind, kSetKind;

}  // namespace ziplora
