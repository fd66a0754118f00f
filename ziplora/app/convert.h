#pragma once
/// The use case behind `ziplora convert IN… -o OUT`: LoRA files into another format or dtype, or to a lower
/// rank. Its sisters: convert_extract.h (two checkpoints → LoRA), convert_bake.h (LoRA → checkpoint).
///
///     ConvertRequest request{.inputs = {"cat.safetensors"}, .output = "small.safetensors",
///                            .rank_rule = RankRule{.most = 16}};
///     nlohmann::json report = run_convert(request, progress, cancel);
///
/// Formats and float32 keep every ΔW; a rank or an energy gives each layer's best approximation and its
/// error.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/compress.h"

namespace ziplora {

struct ConvertRequest {
  std::vector<std::filesystem::path> inputs;  ///< LoRA files, or folders of PEFT or diffusers
  std::filesystem::path
      output;  ///< a file; with several inputs, or if it is a folder: a folder that gets them
  std::string format = "kohya";
  std::optional<at::ScalarType> dtype;  ///< of the factors; absent: the input's own
  std::optional<RankRule> rank_rule;    ///< absent: ranks stay
  /// Whose layers they are for; needed where ΔW depends on its weights (DoRA, …); absent: seen from the
  /// files.
  std::optional<std::filesystem::path> base;
};

/// @return {"files": [{"input", "output", "dialect", "format", "dtype", "layers", "vectors", "rank",
/// "size_bytes"; and where
///         a rank rule was given "relative_error", "per_layer": [{"layer", "rank_before", "rank", "norm",
///         "relative_error"}]}]}
/// @throws Error(kUsage, kInput, kIncompatible, kNonFinite, kInterrupted)
nlohmann::json run_convert(const ConvertRequest& request, ProgressSink& progress, const CancelToken& cancel);

/// As metadata name it: {"energy": 0.9, "rank": 16}, the rank where one was asked for.
nlohmann::json json_of(const RankRule& rule);

/// What all three uses say of a compressed layer.
nlohmann::json layer_report(const std::string& target, const CompressedLayer& compressed);

/// float16 or bfloat16 if all factors are, else float32.
at::ScalarType common_dtype(const Adapter& adapter);

/// A file's bytes, or those of all files in a folder.
uintmax_t size_on_disk(const std::filesystem::path& file_or_folder);

/// Said before the work, not after it. @throws Error(kUsage) if the output is one of the inputs
void refuse_output_among(const std::filesystem::path& output,
                         const std::vector<std::filesystem::path>& inputs);

}  // namespace ziplora
