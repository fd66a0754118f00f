// K-LoRA, arXiv 2502.18461: each attention layer wears the subject or the style, whichever has the larger sum of
// its K = r_c · r_s largest |ΔW|, against a scale that grows in the course of the run.
//
// Behaviour: klora.py and utils.py of HVision-NKU/K-LoRA, commit 893d0f9, and the defaults of its
// inference_sd.py. Where paper and code differ, this is the code:
// - time counts calls of attention layers, not steps, so it also grows from layer to layer in a step; it is
//   taken modulo the calls of a run (28,000 there: 560 layers in 50 steps), so that the last call is at 0;
// - γ is a mean of one ratio per layer, Σ|ΔW_c| / Σ|ΔW_s|, then again without those of three times that and more;
// - the default scale wraps around at α, the supplement's s*; the paper's own is α 1.5, β 0.5 without wrapping.
// Layers of one adapter alone and layers outside of the attention are worn as without a strategy.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "ziplora/base/error.h"
#include "ziplora/lora/attention_projection.h"
#include "ziplora/strategy/delta_magnitudes.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {
namespace {

constexpr const char* kAlpha = "k-lora-alpha";
constexpr const char* kBeta = "k-lora-beta";
constexpr const char* kWrap = "k-lora-wrap";

struct KLoraScale {
  double alpha, beta;
  bool wrap;

  double at(size_t call, size_t calls) const {
    const double scale = alpha * static_cast<double>(call) / static_cast<double>(calls) + beta;
    return wrap ? std::fmod(scale, alpha) : scale;
  }
};

struct ComparedLayer {
  std::string target;
  DeltaMagnitudes subject, style;
};

/// Sorts the attention's layers as a forward pass reaches them: down, middle, up; numbers by value; q, k, v, out.
std::vector<std::string> place_in_forward_pass(const std::string& target) {
  static const std::map<std::string, std::string> kProjections{
      {"to_q", "0"}, {"to_k", "1"}, {"to_v", "2"}, {"to_out", "3"}};
  std::vector<std::string> place;
  for (size_t begin = 0; begin <= target.size();) {
    const size_t end = std::min(target.find('.', begin), target.size());
    std::string part = target.substr(begin, end - begin);
    if (const auto projection = kProjections.find(part); projection != kProjections.end())
      part = projection->second;
    else if (!part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; }))
      part = fmt::format("{:0>6}", part);
    place.push_back(part);
    begin = end + 1;
  }
  return place;
}

/// The attention's layers that both adapters change, in the order of a forward pass.
std::vector<std::string> shared_layers(const Adapter& subject, const Adapter& style) {
  std::vector<std::string> targets;
  for (const auto& [target, layer] : subject.layers)
    if (is_attention_projection(target) && style.layers.count(target)) targets.push_back(target);
  std::ranges::sort(targets, {}, place_in_forward_pass);
  return targets;
}

double mean_ratio(const std::vector<ComparedLayer>& layers, double below) {
  double sum = 0;
  int64_t count = 0;
  for (const ComparedLayer& layer : layers)
    if (const double ratio = layer.subject.sum / layer.style.sum; ratio < below) sum += ratio, ++count;
  return sum / static_cast<double>(count);
}

class KLora : public Strategy {
 public:
  KLora(const std::vector<StrategyInput>& inputs, KLoraScale scale)
      : subject_(index_of(inputs, Role::kSubject)),
        style_(index_of(inputs, Role::kStyle)),
        subject_adapter_(*inputs[subject_].adapter),
        style_adapter_(*inputs[style_].adapter),
        scale_(scale) {}

  void set_steps(size_t steps, ProgressSink& progress) override {
    if (layers_.empty()) compare(progress);
    steps_ = steps;
    size_t of_subject = 0;
    for (size_t step = 0; step < steps; ++step)
      for (const LayerChoice& choice : layer_choices(step)) of_subject += choice.worn == subject_;
    progress.note(fmt::format(
        "k-lora: {} layers wear the subject in {:.0f} % of their {} steps, else the style", layers_.size(),
        100.0 * static_cast<double>(of_subject) /
            static_cast<double>(layers_.size() * std::max<size_t>(1, steps)),
        steps));
  }

  RowStrengths strengths(const Strengths& row, size_t, size_t) const override { return {row, row}; }

  std::vector<LayerChoice> layer_choices(size_t step) const override {
    const size_t calls = layers_.size() * steps_;
    std::vector<LayerChoice> choices;
    for (size_t i = 0; i < layers_.size(); ++i) {
      const size_t call = (step * layers_.size() + i + 1) % calls;
      const double scale = scale_.at(call, calls);
      const ComparedLayer& layer = layers_[i];
      const bool takes_subject = layer.subject.top / gamma_ / (layer.style.top * scale) > 1;
      choices.push_back({layer.target, takes_subject ? subject_ : style_, takes_subject ? style_ : subject_});
    }
    return choices;
  }

 private:
  static size_t index_of(const std::vector<StrategyInput>& inputs, Role role) {
    const auto found = std::ranges::find(inputs, role, &StrategyInput::role);
    if (found == inputs.end())
      throw Error(ErrorKind::kInternal, "k-lora", std::string("no adapter is the ") + name_of(role));
    return static_cast<size_t>(found - inputs.begin());
  }

  void compare(ProgressSink& progress) {
    const std::vector<std::string> targets = shared_layers(subject_adapter_, style_adapter_);
    Stage stage(progress, "compare", static_cast<int64_t>(targets.size()));
    for (const std::string& target : targets) {
      const LoraLayer &subject = subject_adapter_.layers.at(target),
                      &style = style_adapter_.layers.at(target);
      const int64_t count = subject.rank() * style.rank();
      const ComparedLayer layer{target, delta_magnitudes(subject, count), delta_magnitudes(style, count)};
      if (layer.subject.sum > 0 && layer.style.sum > 0) layers_.push_back(layer);
      stage.step();
    }
    if (layers_.empty())
      throw Error(
          ErrorKind::kIncompatible, "k-lora",
          "subject and style change no layer of the attention in common, so there is nothing to choose",
          "choose the strategy merged");
    gamma_ = mean_ratio(layers_, 3 * mean_ratio(layers_, INFINITY));
  }

  const size_t subject_, style_;
  const Adapter &subject_adapter_, &style_adapter_;
  const KLoraScale scale_;
  std::vector<ComparedLayer> layers_;
  double gamma_ = 1;
  size_t steps_ = 0;
};

}  // namespace

StrategyEntry k_lora_strategy() {
  return {.name = "k-lora",
          .summary =
              "the subject or the style in each attention layer, by their largest values and the time "
              "(K-LoRA, arXiv 2502.18461)",
          .needs_roles = true,
          .needs_guidance = false,
          .options = {{.name = kAlpha,
                       .help = "Let the style's scale grow by this in the course of a run",
                       .default_value = 1.5,
                       .minimum = 0.001},
                      {.name = kBeta,
                       .help = "Start the style's scale here; the paper has 0.5, without wrapping",
                       .default_value = 1.275,
                       .minimum = 0},
                      {.name = kWrap,
                       .help = "Take the style's scale modulo alpha, the paper's s*",
                       .default_value = true}},
          .make = [](const std::vector<StrategyInput>& inputs,
                     const nlohmann::json& options) -> std::unique_ptr<Strategy> {
            return std::make_unique<KLora>(
                inputs, KLoraScale{options.at(kAlpha).get<double>(), options.at(kBeta).get<double>(),
                                   options.at(kWrap).get<bool>()});
          }};
}

}  // namespace ziplora
