#pragma once
/// The use case behind `ziplora convert --extract TUNED --from BASE -o LORA`: what fine-tuning changed, as a
/// LoRA, by truncated SVD of each layer's difference. One layer at a time: no model is in memory.
///
///     ExtractRequest request{.tuned = "pony.safetensors",
///                            .base = "sdxl.safetensors",
///                            .output = "pony-lora.safetensors"};
///     ExtractResult result = run_extract(request, progress, cancel);
///     result.approximation.relative_error();   // how much of the difference the ranks do not hold
///
/// Biases, norms and embeddings have no factors: where they differ, the result names them as left out.

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/app/approximation.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/compress.h"

namespace ziplora {

struct ExtractRequest {
  std::filesystem::path tuned, base;  ///< diffusers folders or single files, also one of each
  std::filesystem::path output;
  RankRule rank_rule{.most = 64};
  /// Keep differences of biases and norms, as LyCORIS does; fewer programs load such a file.
  bool vectors = false;
  WriteOptions write;
};

/// A bias, norm or embedding that differs and has no place in the file.
struct LeftOutTensor {
  std::string tensor;
  double relative_change = 0;  ///< ‖difference‖ / ‖base's tensor‖; 1 where the base's is zero
};

struct ExtractResult {
  std::filesystem::path output;
  WriteOptions write;
  size_t layers = 0, vectors = 0;
  int64_t unchanged_layers = 0;
  int64_t rank = 0;  ///< the largest of the layers'
  Approximation approximation;
  std::vector<LeftOutTensor> left_out;
  uintmax_t size_bytes = 0;
  double seconds = 0;
  int64_t peak_memory_bytes = 0;

  /// {"output", "format", "dtype", "layers", "vectors", "unchanged_layers", "rank", "relative_error",
  /// "size_bytes", "seconds", "peak_memory_bytes", "per_layer": [{"layer", "rank", "norm", "relative_error"}],
  /// "left_out": [{"tensor", "relative_change"}]}
  nlohmann::json to_json() const;
};

/// @throws Error(kUsage, kInput, kInterrupted); Error(kIncompatible) if the two have different architectures
///         or do not differ
ExtractResult run_extract(const ExtractRequest& request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
