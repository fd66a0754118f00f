// LoRA Switch, arXiv 2402.16843: the adapters take turns, τ steps each. Behaviour: callbacks.py of
// maszhongming/Multi-LoRA-Composition, commit cac122a. It changes adapters after each step whose number, from 0,
// is a multiple of τ, but for the very first, so that the first turn has one step more than the paper gives it.
// The prompt is encoded before the first step, while the first adapter is active, and not again.
#include "ziplora/strategy/worn_alone.h"

namespace ziplora {
namespace {

constexpr const char* kEvery = "switch-every";

class Switch : public Strategy {
 public:
  explicit Switch(size_t every) : every_(every) {}
  void set_steps(size_t, ProgressSink&) override {}
  RowStrengths strengths(const Strengths& row, size_t, size_t step) const override {
    const size_t turns_done = step == 0 ? 0 : (step - 1) / every_;
    const Strengths turn = worn_alone(row, turns_done % worn_indices(row).size());
    return {turn, turn};
  }
  RowStrengths text_strengths(const Strengths& row, size_t prediction) const override {
    return strengths(row, prediction, 0);
  }

 private:
  const size_t every_;
};

}  // namespace

StrategyEntry switch_strategy() {
  return {.name = "switch",
          .summary = "one adapter at a time, in turn (LoRA Switch, arXiv 2402.16843)",
          .needs_roles = false,
          .needs_guidance = false,
          .options = {{.name = kEvery,
                       .help = "Let the next adapter take its turn after this many steps",
                       .default_value = 5,
                       .minimum = 1}},
          .make = [](const std::vector<StrategyInput>&,
                     const nlohmann::json& options) -> std::unique_ptr<Strategy> {
            return std::make_unique<Switch>(options.at(kEvery).get<size_t>());
          }};
}

}  // namespace ziplora
