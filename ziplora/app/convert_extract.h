#pragma once
/// The use case behind `ziplora convert --extract TUNED --from BASE -o LORA`: what fine-tuning changed, as a
/// LoRA, by truncated SVD of each layer's difference. Layer by layer: no model is in memory.
///
///     ExtractRequest request{.tuned = "pony.safetensors", .base = "sdxl.safetensors", .output =
///     "pony-lora.safetensors"}; nlohmann::json report = run_extract(request, progress, cancel);
///
/// Biases, norms and embeddings have no factors: where they differ, the report names them as left out.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/compress.h"

namespace ziplora {

struct ExtractRequest {
  std::filesystem::path tuned, base;  ///< diffusers folders or single-file checkpoints, also one of each
  std::filesystem::path output;
  RankRule rank_rule{.most = 64};
  bool vectors =
      false;  ///< keep differences of biases and norms, as LyCORIS does; fewer programs load such a file
  std::string format = "kohya";
  at::ScalarType dtype = at::kHalf;
};

/// @return {"output", "format", "dtype", "layers", "vectors", "unchanged_layers", "rank", "relative_error",
/// "size_bytes",
///          "seconds", "peak_memory_bytes", "per_layer": [{"layer", "rank", "norm", "relative_error"}],
///          "left_out": [{"tensor", "relative_change"}]}
/// @throws Error(kUsage, kInput, kInterrupted); Error(kIncompatible) if the two are not of one architecture,
/// or
///         do not differ
nlohmann::json run_extract(const ExtractRequest& request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
