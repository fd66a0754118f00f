#include "ziplora/base/nearest_name.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {

// Each strategy is defined in the file of its name. Only this list knows them all.
StrategyEntry merged_strategy();
StrategyEntry switch_strategy();
StrategyEntry composite_strategy();
StrategyEntry k_lora_strategy();
StrategyEntry asymmetric_guidance_strategy();

const std::vector<StrategyEntry>& strategies() {
  static const std::vector<StrategyEntry> table = {
      merged_strategy(),
      switch_strategy(),
      composite_strategy(),
      k_lora_strategy(),
      asymmetric_guidance_strategy(),
  };
  return table;
}

const OptionTable& strategy_option_table() {
  static const OptionTable table = [] {
    OptionTable filled{.verb = "generate", .row_word = "strategy", .rows = {}};
    for (const StrategyEntry& entry : strategies())
      filled.rows.push_back({entry.name, entry.summary, entry.options});
    return filled;
  }();
  return table;
}

const StrategyEntry& find_strategy(const std::string& name) {
  std::vector<std::string> names;
  for (const StrategyEntry& entry : strategies()) {
    if (name == entry.name) return entry;
    names.push_back(entry.name);
  }
  throw unknown_name("strategy", name, names);
}

std::unique_ptr<Strategy> make_strategy(const std::string& name, const nlohmann::json& given,
                                        const std::vector<StrategyInput>& inputs) {
  const StrategyEntry& entry = find_strategy(name);
  const nlohmann::json options = resolve_options(strategy_option_table(), name, given);
  return entry.make ? entry.make(inputs, options) : nullptr;
}

}  // namespace ziplora
