#pragma once
/// Ways of making one adapter of several. A method is one file and one line in merge_methods.cpp; command
/// line, help, JSON and the contract tests iterate over the table.

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/models/sdxl.h"

namespace ziplora {

class TargetNames;  // lora/target_names.h

struct MergeInput {
  const Adapter* adapter;
  std::string role;     ///< "subject", "style" or "adapter"
  double weight = 1.0;  ///< strength asked for by the user, folded into the scale
  /// Words under which it is to be kept ("a sks dog"), which its images take in turn; methods that learn
  /// need one.
  std::vector<std::string> prompts;
  std::vector<std::filesystem::path> images;  ///< the user's own images; empty: generated with this adapter
};

struct MergeContext {
  Sdxl* base = nullptr;  ///< methods that learn need it; pure ones do not
  uint64_t seed = 0;
  ProgressSink* progress = nullptr;
  const CancelToken* cancel = nullptr;
  /// Where a method that learns leaves its state, interrupted or done, and, with `resume`, finds it; the
  /// caller removes it once the result is safe. Empty: nothing is kept.
  std::filesystem::path state_path;
  bool resume = false;
  const TargetNames* names = nullptr;  ///< the architecture's layers, for methods that tell blocks apart
  /// How the caller keeps each finished layer, where a method can hand layers over one by one: in the file's
  /// dtype, say, so that float32 factors of a large file are never there all at once. Absent: as it is.
  std::function<LoraLayer(const std::string& target, const LoraLayer& layer)> store = {};
};

struct MergeResult {
  Adapter adapter;
  nlohmann::json report;      ///< numbers that people and scripts read: losses, overlap, movement
  NamedTensors coefficients;  ///< per input and target: `<input index>.<target>` [in] float32; empty if none
  bool mixes_ranks = false;   ///< a layer's ranks are no longer the inputs' ranks side by side
};

struct MergeOption {
  std::string name, help;
  nlohmann::json default_value;  ///< its JSON type (bool, integer, float, string) is the option's type
  std::vector<std::string> choices = {};  ///< of a string; empty: any
  std::optional<double> minimum = {};     ///< of a number, inclusive
};

struct MergeMethod {
  const char* name;     ///< "zip", "direct", …
  const char* summary;  ///< one line with its paper
  bool needs_base;      ///< learns on the base model
  std::vector<MergeOption> options;
  MergeResult (*run)(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                     MergeContext& context);
  bool only_copies = false;  ///< nothing in it is worth several threads of PyTorch
};

const std::vector<MergeMethod>& merge_methods();
/// @throws Error(kUsage) with "did you mean"
const MergeMethod& find_merge_method(const std::string& name);

/// The method's defaults, overlaid with what was given.
/// @param given  object of option name → value
/// @throws Error(kUsage) for an unknown option (“did you mean”), a value of another type, not among the
/// choices or
///         below the minimum
nlohmann::json resolve_options(const MergeMethod& method, const nlohmann::json& given);

}  // namespace ziplora
