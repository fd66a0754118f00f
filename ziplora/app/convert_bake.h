#pragma once
/// The use case behind `ziplora convert --bake LORA… --into BASE -o OUT`: a base with adapters added to its
/// weights, for programs that load no LoRA. A single file becomes a single file, a diffusers folder a folder.
/// Beside the factors only a few megabytes of rows are in memory at a time.
///
///     BakeRequest request{.adapters = {{"cat.safetensors", 0.8}},
///                         .base = "sdxl.safetensors",
///                         .output = "sdxl-cat.safetensors"};
///     BakeResult result = run_bake(request, progress, cancel);

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/adapter_choice.h"

namespace ziplora {

struct BakeRequest {
  std::vector<AdapterChoice> adapters;
  std::filesystem::path base, output;
  std::optional<at::ScalarType> dtype;  ///< of UNet and text encoders; absent: each tensor keeps its own
  bool ignore_unused = false;  ///< keys that have no place in SDXL are left out and named, not refused
};

struct BakedAdapter {
  std::filesystem::path file;
  double strength = 1;
  size_t layers = 0;
};

struct BakeResult {
  std::filesystem::path output, base;
  std::vector<BakedAdapter> adapters;
  int64_t changed_tensors = 0, tensors = 0;
  uintmax_t size_bytes = 0;
  uint64_t largest_tensor_bytes = 0;  ///< of the base's
  double seconds = 0;
  int64_t peak_memory_bytes = 0;

  /// {"output", "base", "adapters": [{"file", "scale", "layers"}], "changed_tensors", "tensors", "size_bytes",
  /// "largest_tensor_bytes", "seconds", "peak_memory_bytes"}
  nlohmann::json to_json() const;
};

/// @throws Error(kUsage, kInput, kIncompatible, kExhausted, kNonFinite, kInterrupted); then nothing is under
///         the output's name
BakeResult run_bake(const BakeRequest& request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
