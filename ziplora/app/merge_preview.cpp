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

std::vector<MergePreview::Input> preview_of(const std::vector<MergeInput>& inputs,
                                            const InputsOfLayers& layers) {
  std::vector<MergePreview::Input> all;
  for (size_t k = 0; k < inputs.size(); ++k) {
    const MergeInput& input = inputs[k];
    int64_t rank = 0;
    for (const auto& [target, layer] : input.adapter->layers) rank = std::max(rank, layer.rank());
    const auto alone = std::ranges::count_if(
        layers, [k](const auto& entry) { return entry.second == std::vector<size_t>{k}; });
    all.push_back({input.adapter->source, input.role, input.strength, input.prompts,
                   input.adapter->layers.size(), rank, static_cast<size_t>(alone)});
  }
  return all;
}

/// A method that learns or records does so for the layers that its option `targets` names; the others are added.
std::vector<MergePreview::Layer> preview_of(const MergePlan& plan, const std::vector<Adapter>& adapters,
                                            const InputsOfLayers& layers) {
  const LearnedTargets* targets = plan.needs_base() && plan.options.contains("targets")
                                      ? &find_learned_targets(plan.options.at("targets"))
                                      : nullptr;
  std::vector<MergePreview::Layer> each;
  for (const auto& [target, inputs] : layers) {
    const bool is_convolution = adapters[inputs.front()].layers.at(target).down.dim() == 4;
    each.push_back(
        {target, inputs, plan.needs_base() && (!targets || targets->includes(target, is_convolution))});
  }
  return each;
}

ordered_json to_json(const MergePreview::Input& input) {
  return {{"file", input.file.string()}, {"role", name_of(input.role)}, {"strength", input.strength},
          {"prompts", input.prompts},    {"layers", input.layers},      {"rank", input.rank},
          {"alone", input.alone}};
}

ordered_json layers_json(const MergePreview& preview) {
  ordered_json each = ordered_json::array();
  for (const MergePreview::Layer& layer : preview.layers)
    each.push_back(
        {{"layer", layer.name}, {"inputs", layer.inputs}, {"how", layer.is_learned ? "learned" : "added"}});
  return {{"total", preview.layers.size()},
          {"shared", preview.shared()},
          {"learned", preview.learned()},
          {"added", preview.layers.size() - preview.learned()},
          {"each", each}};
}

}  // namespace

size_t MergePreview::learned() const {
  return static_cast<size_t>(std::ranges::count_if(layers, &Layer::is_learned));
}

size_t MergePreview::shared() const {
  return static_cast<size_t>(
      std::ranges::count_if(layers, [](const Layer& layer) { return layer.inputs.size() > 1; }));
}

ordered_json to_json(const MergePreview& preview) {
  ordered_json inputs = ordered_json::array();
  for (const MergePreview::Input& input : preview.inputs) inputs.push_back(to_json(input));
  return {{"command", "merge"},
          {"method", preview.method},
          {"options", preview.options},
          {"needs_base", preview.needs_base},
          {"architecture", preview.architecture},
          {"inputs", inputs},
          {"joint_prompts", preview.joint_prompts},
          {"layers", layers_json(preview)}};
}

MergePreview preview_merge(const MergeRequest& request, ProgressSink& progress) {
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
  if (!joint_of(contexts, inputs).empty()) joint = joint_prompts_in(contexts, inputs);
  return {plan.recipe ? "recipe" : plan.method->name,
          plan.options,
          plan.needs_base(),
          architecture.name,
          preview_of(inputs, layers),
          joint,
          preview_of(plan, adapters, layers)};
}

}  // namespace ziplora
