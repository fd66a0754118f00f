#pragma once
/// The use case behind `ziplora merge`: LoRA files in, one ordinary LoRA file out, with the recipe in its
/// metadata.
///
///     MergeRequest request{.inputs = {{.path = "dog.safetensors", .role = "subject"},
///                                     {.path = "ink.safetensors", .role = "style"}},
///                          .output = "dog-in-ink.safetensors"};
///     nlohmann::json report = run_merge(request, progress, cancel);
///
/// With `recipe` instead of `inputs` and `method`, the steps of that JSON file (merge/recipe.h) are done in
/// turn.
///
/// Writes the LoRA, and for methods that learn coefficients `<stem>.coefficients.safetensors` beside it.
/// Interrupted, it writes neither, and leaves `<stem>.merge-state.safetensors`, from which `resume` goes on.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/io/safetensors.h"
#include "ziplora/models/sdxl.h"

namespace ziplora {

struct MergeFile {
  std::filesystem::path path;
  std::string role;  ///< "subject", "style" or "adapter"
  double weight = 1.0;
  std::vector<std::string> prompts;             ///< empty: the one in the file's metadata
  std::optional<std::filesystem::path> images;  ///< image or folder; absent: the adapter draws its own
};

struct MergeRequest {
  std::vector<MergeFile> inputs;
  std::optional<std::filesystem::path> recipe;  ///< its files are relative to its folder
  std::string method = "zip";
  nlohmann::json options =
      nlohmann::json::object();               ///< the method's, by name; what is left out has its default
  std::optional<std::filesystem::path> base;  ///< for methods that need one; absent: resolve_base()
  DevicePolicy policy;
  uint64_t seed = 0;
  std::optional<int64_t> rank;  ///< compress to it by SVD
  std::string format = "kohya";
  at::ScalarType dtype = at::kHalf;
  std::filesystem::path output;
  bool resume = false;
};

/// @return the method's report, and `output`, `method`, `rank`, `layers`, `seconds` (from start to end),
/// `peak_memory_bytes`, `compression_error` where it was compressed
/// @throws Error(kUsage, kInput, kIncompatible, kNonFinite, kInterrupted)
nlohmann::json run_merge(const MergeRequest& request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
