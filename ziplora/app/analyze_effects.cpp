#include "ziplora/app/analyze_effects.h"

#include <fmt/format.h>

#include <cmath>

#include "ziplora/analyze/input_effects.h"
#include "ziplora/base/error.h"
#include "ziplora/lora/attach.h"
#include "ziplora/merge/kept_moments.h"
#include "ziplora/merge/recorded_contexts.h"

namespace ziplora {
namespace {

using json = nlohmann::ordered_json;

void give_prompts(const std::vector<std::string>& prompts, MergeOrigin& origin) {
  if (prompts.empty()) return;
  if (prompts.size() != origin.files.size())
    throw Error(ErrorKind::kUsage, "analyze: --prompt",
                fmt::format("found {} prompts, expected one for each of {} files", prompts.size(),
                            origin.files.size()),
                "add --prompt \"…\" for each file, in their order, or leave all out");
  for (size_t k = 0; k < origin.files.size(); ++k) origin.inputs[k].prompts = {prompts[origin.files[k]]};
}

std::vector<PromptContext> contexts_of(const MergeOrigin& origin, const EffectsRequest& request) {
  for (const MergeInput& input : origin.inputs)
    if (input.prompts.empty())
      throw Error(ErrorKind::kUsage, "analyze: " + input.adapter->source.string(),
                  "the file does not record the prompt that it was trained on, which effects need",
                  "add --prompt \"…\" for each file, in their order");
  const std::vector<std::string>& joint =
      request.joint_prompts.empty() ? origin.joint_prompts : request.joint_prompts;
  JointOptions options;
  if (origin.inputs.size() < 2) options.weight = 0;
  if (options.weight > 0 && joint.empty() && joint_prompts_of(origin.inputs).empty())
    throw Error(ErrorKind::kUsage, "analyze: --joint-prompt",
                "the files' own prompts do not tell how subject and style are called together",
                "add --joint-prompt \"a sks dog, in szn style\" with your words");
  return prompt_contexts(origin.inputs, joint, options);
}

/// Of one adapter; layers count by their size relative to the base's output.
class EffectSum {
 public:
  /// @param with_merge, own, base  E⟨ΔW x, ΔW_k x⟩, E‖ΔW_k x‖², E‖W x‖²
  void add(double with_merge, double own, double base) {
    with_merge_ += with_merge / base;
    own_ += own / base;
    ++layers_;
  }
  Effect mean() const {
    if (layers_ == 0) return {};
    return {.kept = own_ > 0 ? with_merge_ / own_ : 0,
            .size = std::sqrt(own_ / static_cast<double>(layers_))};
  }

 private:
  double with_merge_ = 0, own_ = 0;
  int64_t layers_ = 0;
};

ContextEffects effects_in(const RecordedContext& recorded, const Adapter& merged, const MergeOrigin& origin,
                          const std::map<std::string, SlotInModel>& slots) {
  ContextEffects effects{.name = recorded.context.name, .prompts = recorded.context.prompts, .adapters = {}};
  std::vector<EffectSum> sums(origin.inputs.size());
  for (const size_t file : origin.files)
    effects.adapters.push_back({.file = file, .whole = {}, .by_layer = {}});
  for (const auto& [target, moments] : recorded.moments) {
    const double base = squared_output(slots.at(target).weight, moments.mean);
    const auto in_merge = merged.layers.find(target);
    for (size_t k = 0; k < origin.inputs.size(); ++k) {
      const auto& layers = origin.inputs[k].adapter->layers;
      const auto own = layers.find(target);
      if (own == layers.end() || base <= 0) continue;
      const double with_merge =
          in_merge == merged.layers.end() ? 0 : effect_product(in_merge->second, own->second, moments.mean);
      const double square = effect_product(own->second, own->second, moments.mean);
      if (square <= 0) continue;
      EffectSum layer;
      layer.add(with_merge, square, base);
      sums[k].add(with_merge, square, base);
      effects.adapters[k].by_layer[target] = layer.mean();
    }
  }
  for (size_t k = 0; k < sums.size(); ++k) effects.adapters[k].whole = sums[k].mean();
  return effects;
}

json json_of(const Effect& effect) { return {{"kept", effect.kept}, {"size", effect.size}}; }

}  // namespace

std::vector<ContextEffects> analyze_effects(const Adapter& merged, MergeOrigin origin,
                                            const std::filesystem::path& base, const EffectsRequest& request,
                                            ProgressSink& progress, const CancelToken& cancel) {
  give_prompts(request.prompts, origin);
  std::vector<PromptContext> contexts = contexts_of(origin, request);
  std::optional<KeptMoments> kept;
  if (request.contexts) kept.emplace(*request.contexts);
  const std::unique_ptr<Sdxl> sdxl = load_sdxl(base, request.policy, progress);
  MergeContext context{.base = sdxl.get(),
                       .seed = request.seed,
                       .progress = &progress,
                       .cancel = &cancel,
                       .kept_moments = kept ? &*kept : nullptr,
                       .state_path = {}};
  note_joint_prompts(origin.inputs, contexts, progress);
  const std::vector<RecordedContext> recorded =
      record_contexts(origin.inputs, std::move(contexts), MomentsOf::kInputs,
                      &find_learned_targets("attention"), default_recording(MomentsOf::kInputs), context);
  const std::map<std::string, SlotInModel> slots = adapter_slots(sdxl->components());
  std::vector<ContextEffects> effects;
  Stage stage(progress, "effects", static_cast<int64_t>(recorded.size()));
  for (const RecordedContext& one : recorded) {
    cancel.throw_if_cancelled("analyze");
    effects.push_back(effects_in(one, merged, origin, slots));
    stage.step();
  }
  return effects;
}

json to_json(const std::vector<ContextEffects>& effects, const std::vector<std::string>& files) {
  json array = json::array();
  for (const ContextEffects& context : effects) {
    json object{{"context", context.name}, {"prompts", context.prompts}, {"adapters", json::array()}};
    for (const AdapterEffects& adapter : context.adapters) {
      json one{{"file", files[adapter.file]}};
      one.update(json_of(adapter.whole));
      for (const auto& [target, effect] : adapter.by_layer) one["by_layer"][target] = json_of(effect);
      object["adapters"].push_back(std::move(one));
    }
    array.push_back(std::move(object));
  }
  return array;
}

}  // namespace ziplora
