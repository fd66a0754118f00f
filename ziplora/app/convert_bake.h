#pragma once
/// The use case behind `ziplora convert --bake LORA… --into CHECKPOINT -o OUT`: a checkpoint with adapters
/// added to its weights, for programs that load no LoRA. A single file becomes a single file, a diffusers
/// folder a folder; memory stays at a few megabytes of rows beside the factors.
///
///     BakeRequest request{.adapters = {{"cat.safetensors", 0.8}}, .base = "sdxl.safetensors",
///                         .output = "sdxl-cat.safetensors"};
///     nlohmann::json report = run_bake(request, progress, cancel);

#include <c10/core/ScalarType.h>

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
};

/// @return {"output", "base", "adapters": [{"file", "scale", "layers"}], "changed_tensors", "tensors",
/// "size_bytes",
///          "largest_tensor_bytes", "seconds", "peak_memory_bytes"}
/// @throws Error(kUsage, kInput, kIncompatible, kExhausted, kNonFinite, kInterrupted); then nothing is under
/// the
///         output's name
nlohmann::json run_bake(const BakeRequest& request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
