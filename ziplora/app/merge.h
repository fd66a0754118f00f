#pragma once
/// The use case behind `ziplora merge`: LoRA files in, one ordinary LoRA file out, with the recipe in its
/// metadata.
///
///     MergeRequest request{.inputs = {{.path = "dog.safetensors", .role = Role::kSubject},
///                                     {.path = "ink.safetensors", .role = Role::kStyle}},
///                          .output = "dog-in-ink.safetensors"};
///     MergeOutcome outcome = run_merge(request, progress, cancel);
///
/// With `recipe` instead of `inputs` and `method`, it runs the steps of that JSON file (merge/recipe.h).
///
/// Writes the LoRA, and for methods that learn coefficients `<stem>.coefficients.safetensors` beside it. While
/// they learn, they save `<stem>.merge-state.safetensors`, from which `resume` goes on, whatever has ended the
/// merge. Once the result is written, it is removed.

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/adapter_file.h"
#include "ziplora/lora/role.h"
#include "ziplora/merge/merge_report.h"
#include "ziplora/models/sdxl.h"
#include "ziplora/team/team.h"

namespace ziplora {

struct MergeFile {
  std::filesystem::path path;
  Role role = Role::kAdapter;
  /// Multiplies ΔW.
  double strength = 1.0;
  /// Empty: the one in the file's metadata.
  std::vector<std::string> prompts = {};
  /// Image or folder; absent: the adapter draws its own.
  std::optional<std::filesystem::path> images = {};
};

struct MergeRequest {
  std::vector<MergeFile> inputs = {};
  /// Its files are relative to its folder.
  std::optional<std::filesystem::path> recipe = {};
  std::string method = "ssr";
  /// The method's, by name; what is left out has its default.
  nlohmann::json options = nlohmann::json::object();
  /// Of subject and style together; empty: made of the inputs' own prompts.
  std::vector<std::string> joint_prompts = {};
  /// Where methods that record contexts keep them for the next merge; absent: nowhere.
  std::optional<std::filesystem::path> contexts = {};
  /// For methods that need one; absent: resolve_base().
  std::optional<std::filesystem::path> base = {};
  /// The same, already in memory under `policy`, for callers that merge often; absent: it is loaded where it is needed.
  std::shared_ptr<Sdxl> loaded_base = {};
  DevicePolicy policy = {};
  uint64_t seed = 0;
  /// Compress to this rank by SVD; absent: exact.
  std::optional<int64_t> rank = {};
  WriteOptions write = {};
  std::filesystem::path output = {};
  /// Keys that have no place in SDXL are left out and named; false: they are refused.
  bool ignore_unused = false;
  bool resume = false;
  /// Who shares the work on the base, each process with this same request; the leader alone writes. A batch size counts
  /// the images of one process; the file records that of all.
  Team* team = &nobody_else();
  /// At least, between two states that a method saves while it learns; 0: none before the end.
  double checkpoint_minutes = 5;
};

struct MergeOutcome {
  std::filesystem::path output;
  /// Or "recipe".
  std::string method;
  /// The largest of all layers.
  int64_t rank = 0;
  size_t layers = 0;
  /// Biases and norms that are changed.
  size_t vectors = 0;
  /// From start to end.
  double seconds = 0;
  int64_t peak_memory_bytes = 0;
  /// Relative, of all layers; absent without compression.
  std::optional<double> compression_error = {};
  std::optional<std::filesystem::path> coefficients_file = {};
  MergeReport report = {};

  /// One flat object: the fields above and the report's.
  nlohmann::json to_json() const;
};

/// @return for a process that does not lead: with no more than method and output
/// @throws Error(kUsage, kInput, kIncompatible, kNonFinite, kInterrupted); kUsage, too, if the state of an
///         interrupted merge is there and `resume` is not asked for
MergeOutcome run_merge(const MergeRequest& request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
