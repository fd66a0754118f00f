#pragma once
/// Ways to make one adapter of several. A method is one file and one line in merge_methods.cpp; the command
/// line, its help, JSON and the contract tests iterate over the table.

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/io/option_table.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/lora/role.h"
#include "ziplora/merge/merge_report.h"
#include "ziplora/models/sdxl.h"
#include "ziplora/team/team.h"

namespace ziplora {

class KeptMoments;  // merge/kept_moments.h
class TargetNames;  // lora/target_names.h

struct MergeInput {
  const Adapter* adapter;
  Role role = Role::kAdapter;
  /// Multiplies ΔW.
  double strength = 1.0;
  /// Prompts under which the adapter is to be preserved ("a sks dog"); its images take them in turn. Methods
  /// that learn need at least one.
  std::vector<std::string> prompts = {};
  /// The user's own images; empty: the adapter draws its own.
  std::vector<std::filesystem::path> images = {};
  /// Of its file or folder (lora/adapter_digest.h), for methods that keep a state.
  std::string sha256 = {};
};

struct MergeContext {
  /// For methods that learn; the others need none.
  Sdxl* base = nullptr;
  uint64_t seed = 0;
  ProgressSink* progress = nullptr;
  const CancelToken* cancel = nullptr;
  /// Who shares the work of methods that learn or record; the leader alone saves and writes. Outlives this.
  Team* team = &nobody_else();
  /// Prompts that name subject and style together, as users type them. Empty: made of the inputs' own.
  std::vector<std::string> joint_prompts = {};
  /// Where methods that record contexts find those of an earlier merge, and leave theirs. Absent: nowhere.
  KeptMoments* kept_moments = nullptr;
  /// Where a method that learns leaves its state, interrupted or done, and finds it again with `resume`. The
  /// caller removes it once the result is safe. Empty: nothing is kept.
  std::filesystem::path state_path;
  bool resume = false;
  /// At least, between two states that are saved while it learns; 0: none before the end.
  double checkpoint_minutes = 0;
  /// Where the last one was saved; elsewhere than `state_path` only if that failed.
  std::filesystem::path kept_state = {};
  /// The architecture's layers, for methods that tell blocks apart.
  const TargetNames* names = nullptr;
  /// How the caller keeps each finished layer, where a method can hand layers over one by one. Storing them
  /// in the file's dtype, for instance, keeps the float32 factors of a large file from filling memory.
  /// Absent: as it is.
  std::function<LoraLayer(const std::string& target, const LoraLayer& layer)> store = {};
};

struct MergeResult {
  Adapter adapter;
  MergeReport report;
  /// By input and target: `<input index>.<target>` [in] float32; empty if the method learns none.
  NamedTensors coefficients;
  /// True if a layer's ranks are no longer the inputs' ranks side by side.
  bool mixes_ranks = false;
};

using MergeOption = TableOption;

struct MergeMethod {
  /// "zip", "direct", …
  const char* name;
  /// One line for help, which names the paper.
  const char* summary;
  /// Learns on the base.
  bool needs_base;
  std::vector<MergeOption> options;
  /// @param options  as resolve_options returns them
  MergeResult (*run)(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                     MergeContext& context);
  /// Saves what it has learned, and goes on from it.
  bool keeps_state = false;
  /// Copies factors and computes nothing that several threads of PyTorch would speed up.
  bool only_copies = false;
};

const std::vector<MergeMethod>& merge_methods();
/// @throws Error(kUsage) with "did you mean"
const MergeMethod& find_merge_method(const std::string& name);
/// The methods' names, summaries and options.
const OptionTable& merge_option_table();

/// The method's defaults, overlaid with what was given.
/// @param given  object of option name → value
/// @throws Error(kUsage) for an unknown option (“did you mean”), and for a value of another type, below the
///         minimum or not among the choices
nlohmann::json resolve_options(const MergeMethod& method, const nlohmann::json& given);

}  // namespace ziplora
