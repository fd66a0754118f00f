// LoRA Composite, arXiv 2402.16843: the mean of what each adapter alone predicts, with and without the
// prompt, is guided. Behaviour: pipeline_0.26.3.py of maszhongming/Multi-LoRA-Composition, commit cac122a: all
// weights w_i are 1, and the prompt is encoded once, with all adapters in the text encoders.
#include "ziplora/strategy/worn_alone.h"

namespace ziplora {
namespace {

class Composite : public Strategy {
 public:
  void set_steps(size_t, ProgressSink&) override {}
  size_t predictions(const Strengths& row) const override { return worn_indices(row).size(); }
  RowStrengths strengths(const Strengths& row, size_t prediction, size_t) const override {
    const Strengths alone = worn_alone(row, prediction);
    return {alone, alone};
  }
};

}  // namespace

StrategyEntry composite_strategy() {
  return {.name = "composite",
          .summary =
              "the mean of what each adapter alone predicts, at the cost of one pass each (LoRA "
              "Composite, arXiv 2402.16843)",
          .needs_roles = false,
          .needs_guidance = false,
          .options = {},
          .make = [](const std::vector<StrategyInput>&, const nlohmann::json&) -> std::unique_ptr<Strategy> {
            return std::make_unique<Composite>();
          }};
}

}  // namespace ziplora
