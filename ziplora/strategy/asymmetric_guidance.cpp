// Asymmetric guidance of CRAFT-LoRA, arXiv 2602.18936: the unconditional pass runs without adapters, and in the
// conditional one the subject counts in the early steps, the style in the late ones (eq. 9 and 11 in the
// authors' numbering). The paper's (1 + ω) ε_cond − ω ε_uncond is a guidance scale of 1 + ω. The windows, steps 1
// to 35 and 15 to 50 of 50, are a second-hand figure: the published code leaves them open.
//
// Not matched is that code, inference_acfg.py (Skylanding/CraftLoRA, commit 9f8b3a8): it draws two images to
// the end and combines their final latents, and splits the layers between subject and style, for a base that
// was changed beforehand.
#include "ziplora/strategy/strategy.h"

namespace ziplora {
namespace {

constexpr const char* kUntil = "subject-until";
constexpr const char* kFrom = "style-from";
constexpr double kRounding = 1e-9;  // 0.7 · 90 is 62.99999999999999

class AsymmetricGuidance : public Strategy {
 public:
  AsymmetricGuidance(const std::vector<StrategyInput>& inputs, double subject_until, double style_from)
      : subject_until_(subject_until), style_from_(style_from) {
    for (const StrategyInput& input : inputs) roles_.push_back(input.role);
  }
  void set_steps(size_t steps, ProgressSink&) override { steps_ = static_cast<double>(steps); }
  RowStrengths strengths(const Strengths& row, size_t, size_t step) const override {
    const auto number = static_cast<double>(step + 1);
    Strengths worn = row;
    for (size_t k = 0; k < row.size(); ++k)
      if ((roles_[k] == Role::kSubject && number > subject_until_ * steps_ + kRounding) ||
          (roles_[k] == Role::kStyle && number < style_from_ * steps_ - kRounding))
        worn[k] = 0;
    return {worn, Strengths(row.size(), 0.0)};
  }
  RowStrengths text_strengths(const Strengths& row, size_t) const override {
    return {row, Strengths(row.size(), 0.0)};
  }

 private:
  std::vector<Role> roles_;
  const double subject_until_, style_from_;
  double steps_ = 0;
};

}  // namespace

StrategyEntry asymmetric_guidance_strategy() {
  return {.name = "asymmetric-guidance",
          .summary =
              "no adapter in the unconditional pass, the subject early, the style late (CRAFT-LoRA, "
              "arXiv 2602.18936)",
          .needs_roles = true,
          .needs_guidance = true,
          .options = {{.name = kUntil,
                       .help = "Wear the subject until this share of the steps is done",
                       .default_value = 0.7,
                       .minimum = 0},
                      {.name = kFrom,
                       .help = "Wear the style from this share of the steps on",
                       .default_value = 0.3,
                       .minimum = 0}},
          .make = [](const std::vector<StrategyInput>& inputs,
                     const nlohmann::json& options) -> std::unique_ptr<Strategy> {
            return std::make_unique<AsymmetricGuidance>(inputs, options.at(kUntil).get<double>(),
                                                        options.at(kFrom).get<double>());
          }};
}

}  // namespace ziplora
