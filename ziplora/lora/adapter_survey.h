#pragma once
/// Everything that a LoRA file holds and everything that is wrong with it, in one pass that refuses nothing.
/// Both `read_adapter`, which throws the first defect, and `inspect`, which lists them all, read files this
/// way.
///
///     const AdapterSurvey survey = survey_adapter("cat.safetensors", TargetNames::sdxl());
///     for (const Defect& defect : survey.defects)
///       fmt::print("{}: {}\n", name_of(defect.kind), defect.problem);
///
/// Layers whose ΔW depends on the base are kept apart from the adapter, in `base_bound`, so that an adapter
/// in memory never lacks a part of its effect unnoticed.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "ziplora/base/error.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

enum class DefectKind {
  kUnsupported,   ///< of a kind that cannot be read: T-LoRA, …
  kNonFinite,     ///< NaN or Inf
  kDuplicate,     ///< two keys, one part
  kMalformed,     ///< parts that do not fit each other
  kOrphan,        ///< a part without its counterpart
  kUnknownLayer,  ///< spelled as a LoRA key, but the architecture has no such layer, or not by this name
  kMisfit,        ///< the layer is there and has another shape
  kUnknownKey,    ///< not spelled as a LoRA key
  kNotALora,
};
const char* name_of(DefectKind kind);  ///< "non-finite", …

struct Defect {
  DefectKind kind;
  ErrorKind error;  ///< what read_adapter throws for it
  std::string problem, hint;
  std::vector<std::string> keys;  ///< of the file
  /// The layers that were read keep their meaning without these keys, which change something else.
  bool can_be_left_out = false;
};

/// Where a layer of the adapter comes from.
struct LayerOrigin {
  const char* kind;     ///< of delta_kind.h: "LoRA", "LoHa", …; or "DoRA"
  std::string dialect;  ///< of key_dialects.h: "kohya-sgm", …
  std::string dtype;    ///< as in the file: "F16"
  int64_t rank;         ///< in the file; LoHa and the like have a larger one as LoRA factors; 0: no factors
  std::optional<double> alpha{};          ///< of a tensor or a config (rank-stabilised: α √r)
  std::optional<double> alpha_in_file{};  ///< only of a tensor
};

struct AdapterSurvey {
  Adapter adapter;  ///< the layers and vectors that are whole and fit
  /// Such layers, by canonical target, that need the base's weight: resolve_against_base.h.
  std::map<std::string, BaseBoundLayer> base_bound;
  std::map<std::string, LayerOrigin> origins;  ///< by canonical target, for each layer of both
  std::vector<Defect> defects;                 ///< in the order in which reading meets them
  std::vector<std::string> warnings;           ///< what the user should know, without the file's name
  std::map<std::string, TensorInfo> tensors;   ///< of all pieces, as in their headers
  size_t wrapped_keys = 0;                     ///< read without what a wrapper left in their names
  std::vector<std::filesystem::path> files;    ///< one, or PEFT's one per component
};

/// @throws Error(kInput, kIncompatible) only for what open_adapter_pieces refuses
AdapterSurvey survey_adapter(const std::filesystem::path& path, const TargetNames& names);

}  // namespace ziplora
