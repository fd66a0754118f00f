#pragma once
/// The use case behind `ziplora convert IN… -o OUT`: LoRA files into another format or dtype, or to a lower
/// rank. Its sisters: convert_extract.h (two bases → LoRA), convert_bake.h (LoRA → base).
///
///     ConvertRequest request{.inputs = {"cat.safetensors"},
///                            .output = "small.safetensors",
///                            .rank_rule = RankRule{.most = 16}};
///     ConvertResult result = run_convert(request, progress, cancel);
///     result.files[0].approximation->relative_error();   // what rank 16 lost
///
/// Another format or float32 keeps every ΔW exactly. A rank or an energy gives each layer's best
/// approximation, and its error.

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/app/approximation.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/compress.h"

namespace ziplora {

struct ConvertRequest {
  /// LoRA files, or folders written by PEFT or diffusers.
  std::vector<std::filesystem::path> inputs;
  /// A file; with several inputs, or if it is a folder already, a folder that gets one file for each.
  std::filesystem::path output;
  /// The dialect to write.
  std::string format = WriteOptions{}.format;
  /// Of the factors; absent: the input's own.
  std::optional<at::ScalarType> dtype;
  /// Absent: ranks stay.
  std::optional<RankRule> rank_rule;
  /// The base that the LoRA is for; needed if ΔW depends on its weights (DoRA, …). Absent: the architecture
  /// is seen from the files.
  std::optional<std::filesystem::path> base;
  /// Keys that have no place in SDXL are left out and named; false: they are refused.
  bool ignore_unused = false;
};

/// One file that was written.
struct ConvertedFile {
  std::filesystem::path input, output;
  std::string dialect;  ///< the input's: "kohya-sgm"
  std::string format;   ///< the output's dialect
  at::ScalarType dtype = at::kFloat;
  size_t layers = 0, vectors = 0;
  int64_t rank = 0;                            ///< the largest of its layers'
  std::optional<Approximation> approximation;  ///< if a rank rule was given
  uintmax_t size_bytes = 0;

  /// {"input", "output", "dialect", "format", "dtype", "layers", "vectors", "rank", "size_bytes"}, and with a
  /// rank rule "relative_error" and "per_layer": [{"layer", "rank_before", "rank", "norm", "relative_error"}]
  nlohmann::json to_json() const;
};

struct ConvertResult {
  std::vector<ConvertedFile> files;

  /// {"files": […]}
  nlohmann::json to_json() const;
};

/// @throws Error(kUsage, kInput, kIncompatible, kNonFinite, kInterrupted)
ConvertResult run_convert(const ConvertRequest& request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
