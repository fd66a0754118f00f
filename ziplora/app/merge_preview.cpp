#include "ziplora/app/merge_preview.h"

#include <algorithm>
#include <map>
#include <set>

#include "ziplora/app/default_base.h"
#include "ziplora/app/ignore_unused.h"
#include "ziplora/app/merge_inputs.h"
#include "ziplora/app/merge_plan.h"
#include "ziplora/app/read_adapters.h"
#include "ziplora/lora/target_names.h"
#include "ziplora/merge/learned_targets.h"
#include "ziplora/merge/zip_inputs.h"

namespace ziplora {
namespace {

using nlohmann::ordered_json;

/// Target → the inputs that have it, by their place.
using InputsOfLayers = std::map<std::string, std::vector<size_t>>;

InputsOfLayers inputs_of_layers(const std::vector<Adapter>& adapters) {
  InputsOfLayers layers;
  for (size_t k = 0; k < adapters.size(); ++k)
    for (const auto& [target, layer] : adapters[k].layers) layers[target].push_back(k);
  return layers;
}

ordered_json inputs_json(const std::vector<MergeInput>& inputs, const InputsOfLayers& layers) {
  ordered_json all = ordered_json::array();
  for (size_t k = 0; k < inputs.size(); ++k) {
    const MergeInput& input = inputs[k];
    int64_t rank = 0;
    for (const auto& [target, layer] : input.adapter->layers) rank = std::max(rank, layer.rank());
    const auto alone = std::ranges::count_if(
        layers, [k](const auto& entry) { return entry.second == std::vector<size_t>{k}; });
    all.push_back({{"file", input.adapter->source.string()},
                   {"role", name_of(input.role)},
                   {"strength", input.strength},
                   {"prompts", input.prompts},
                   {"layers", input.adapter->layers.size()},
                   {"rank", rank},
                   {"alone", alone}});
  }
  return all;
}

/// A method that learns or records does so for the layers that its option `targets` names; the others are added.
ordered_json layers_json(const MergePlan& plan, const std::vector<Adapter>& adapters,
                         const InputsOfLayers& layers) {
  const LearnedTargets* targets = plan.needs_base() && plan.options.contains("targets")
                                      ? &find_learned_targets(plan.options.at("targets"))
                                      : nullptr;
  size_t learned = 0;
  ordered_json each = ordered_json::array();
  for (const auto& [target, inputs] : layers) {
    const bool is_convolution = adapters[inputs.front()].layers.at(target).down.dim() == 4;
    const bool learns = plan.needs_base() && (!targets || targets->includes(target, is_convolution));
    learned += learns ? 1 : 0;
    each.push_back({{"layer", target}, {"inputs", inputs}, {"how", learns ? "learned" : "added"}});
  }
  const auto shared =
      std::ranges::count_if(layers, [](const auto& entry) { return entry.second.size() > 1; });
  return {{"total", layers.size()},
          {"shared", shared},
          {"learned", learned},
          {"added", layers.size() - learned},
          {"each", each}};
}

}  // namespace

ordered_json preview_merge(const MergeRequest& request, ProgressSink& progress) {
  const MergePlan plan = plan_of(request);
  std::vector<std::filesystem::path> paths;
  for (const MergeFile& file : plan.files) paths.push_back(file.path);
  const Architecture architecture = plan.needs_base() ? architecture_of_base(resolve_base(request.base))
                                                      : architecture_of(paths, request.base);
  const std::vector<Adapter> adapters =
      read_adapters(paths, architecture, ignore_unused(request.ignore_unused), progress);
  const std::vector<MergeInput> inputs = merge_inputs(plan.files, adapters);
  if (plan.needs_base()) require_prompts(inputs);
  const std::vector<PromptContext> contexts = contexts_of(plan, request, inputs);
  const InputsOfLayers layers = inputs_of_layers(adapters);
  std::vector<std::string> joint = request.joint_prompts;
  if (joint.empty()) joint = joint_prompts_of(inputs);
  if (has_joint(inputs, contexts)) joint = contexts.back().prompts;
  return {{"command", "merge"},
          {"method", plan.recipe ? "recipe" : plan.method->name},
          {"options", plan.options},
          {"needs_base", plan.needs_base()},
          {"architecture", architecture.name},
          {"inputs", inputs_json(inputs, layers)},
          {"joint_prompts", joint},
          {"layers", layers_json(plan, adapters, layers)}};
}

}  // namespace ziplora
