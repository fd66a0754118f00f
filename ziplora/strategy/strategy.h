#pragma once
/// Strategies say how the adapters that an image wears take part in each denoising step, where nothing is
/// merged beforehand: in turn, each alone, layer by layer. A strategy is one file and one line in
/// strategies.cpp. It gives strengths and never sees a model or a sample.
///
///     auto strategy = make_strategy("switch", {{"switch-every", 5}}, {{&subject, Role::kSubject},
///                                                                     {&style, Role::kStyle}});
///     strategy->set_steps(25, progress);
///     strategy->strengths({1.0, 0.8}, 0, 7).conditional;   // {0, 0.8}: step 7 is the style's
///
/// An image that wears fewer than two adapters is drawn as without a strategy: there is nothing to combine.

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/base/progress.h"
#include "ziplora/io/option_table.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/lora/role.h"

namespace ziplora {

/// One strength per attached adapter.
using Strengths = std::vector<double>;

/// What a row wears in a step.
struct RowStrengths {
  Strengths conditional;
  /// In the unconditional pass of guidance.
  Strengths unconditional;
};

/// A layer in which rows that wear both adapters leave one out.
struct LayerChoice {
  std::string target;
  size_t worn, left_out;  ///< indices of attached adapters
};

class Strategy {
 public:
  virtual ~Strategy() = default;
  /// Plans a run, which may compare the adapters' layers first.
  virtual void set_steps(size_t steps, ProgressSink& progress) = 0;
  /// How many predictions of a row are averaged, before guidance; each costs a forward pass of the row.
  /// @param row  as the user weighs the adapters, at least two of them not 0
  virtual size_t predictions(const Strengths& /*row*/) const { return 1; }
  /// @param prediction, step  from 0
  virtual RowStrengths strengths(const Strengths& row, size_t prediction, size_t step) const = 0;
  /// For the text encoders, which run once.
  virtual RowStrengths text_strengths(const Strengths& row, size_t /*prediction*/) const {
    return {row, row};
  }
  /// Layers that differ from the strengths; the others do not.
  virtual std::vector<LayerChoice> layer_choices(size_t /*step*/) const { return {}; }
};

struct StrategyInput {
  const Adapter* adapter;
  Role role = Role::kAdapter;
};

struct StrategyEntry {
  const char* name;
  /// One line for help, which names the paper.
  const char* summary;
  /// One adapter is the subject and one the style.
  bool needs_roles;
  /// Has a meaning only with an unconditional pass.
  bool needs_guidance;
  std::vector<TableOption> options;
  /// nullptr: the adapters are worn as the user weighs them, in every step.
  /// @param options  as resolve_options returns them
  std::unique_ptr<Strategy> (*make)(const std::vector<StrategyInput>& inputs, const nlohmann::json& options);
};

/// The list that help, validation and the contract tests iterate over; the first is the default.
const std::vector<StrategyEntry>& strategies();
/// Their names, summaries and options.
const OptionTable& strategy_option_table();

/// @throws Error(kUsage) with "did you mean"
const StrategyEntry& find_strategy(const std::string& name);

/// @param inputs  the attached adapters, in order; they outlive the strategy
/// @param given   object of option name → value; the others have their defaults
/// @return nullptr if the strategy changes nothing
/// @throws Error(kUsage) for a name or an option that is wrong
std::unique_ptr<Strategy> make_strategy(const std::string& name, const nlohmann::json& given,
                                        const std::vector<StrategyInput>& inputs);

}  // namespace ziplora
