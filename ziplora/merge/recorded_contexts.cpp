#include "ziplora/merge/recorded_contexts.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>

#include "ziplora/lora/attention_projection.h"

namespace ziplora {
namespace {

at::Tensor shares_of_ranks(const PromptContext& context, const LayerParts& parts) {
  std::vector<at::Tensor> shares;
  for (const LayerPart& part : parts)
    shares.push_back(at::full({part.layer->rank()}, context.shares[part.input], at::kDouble));
  return at::cat(shares);
}

/// Layers that one vector an image reaches, or the prompt's tokens, always have few; the ridge holds them to the plain
/// sum.
void warn_of_few_tokens(const RecordedContext& recorded, const char* of_what, ProgressSink& progress) {
  for (const auto& [target, moments] : recorded.moments) {
    const int64_t size = moments.mean.size(0);
    if (moments.one_an_image || is_prompt_projection(target) || moments.tokens >= 2 * size) continue;
    progress.warning(
        fmt::format("{}: a layer has seen {} tokens for {} {} ({}); at least {} make its moments sure: raise "
                    "--context-steps or --context-images",
                    recorded.context.name, moments.tokens, size, of_what, target, 2 * size));
    return;
  }
}

std::vector<MergeOption> recording_table() {
  const RecordingOptions defaults;
  return {{.name = "ridge",
           .help = "Hold to the plain sum by this share of the moments' mean",
           .default_value = kDefaultRidge,
           .minimum = 0},
          {.name = "context-steps",
           .help = "Record this many steps of the sampler",
           .default_value = defaults.steps,
           .minimum = 1},
          {.name = "context-images",
           .help = "Begin this many images in each context, at least one per prompt",
           .default_value = defaults.images,
           .minimum = 1,
           .maximum = 10'000},
          {.name = "context-size",
           .help = "Record at sides of this many pixels; 0: the base's own size, at most 512",
           .default_value = defaults.image_size,
           .minimum = 0}};
}

}  // namespace

std::vector<MergeOption> context_table() {
  std::vector<MergeOption> table = joint_table({});
  for (MergeOption& option : recording_table()) table.push_back(std::move(option));
  return table;
}

MergeOption input_targets() {
  return {.name = "targets",
          .help = "Merge these layers so and add the others directly",
          .default_value = "attention",
          .choices = {"attention", "linear"},
          .value_name = "LAYERS"};
}

IsRecorded linear_layers_of(const LearnedTargets& targets) {
  return [&targets](const std::string& target, bool is_convolution) {
    return !is_convolution && targets.includes(target, is_convolution);
  };
}

std::vector<RecordedContext> record_contexts(const std::vector<MergeInput>& inputs,
                                             std::vector<PromptContext> contexts, MomentsOf of,
                                             const IsRecorded& is_recorded, const RecordingOptions& recording,
                                             MergeContext& context) {
  std::vector<RecordedContext> recorded;
  for (PromptContext& prompts : contexts) {
    ContextMoments moments = record_moments(*context.base, inputs, prompts, of, is_recorded, recording,
                                            context.seed, *context.progress, *context.cancel);
    recorded.push_back({std::move(prompts), std::move(moments)});
    warn_of_few_tokens(recorded.back(), of == MomentsOf::kInputs ? "features" : "ranks", *context.progress);
  }
  return recorded;
}

std::vector<RecordedContext> record_contexts(const std::vector<MergeInput>& inputs,
                                             const nlohmann::json& options, MomentsOf of,
                                             MergeContext& context) {
  std::vector<PromptContext> contexts =
      prompt_contexts(inputs, context.joint_prompts, joint_options_of(options));
  note_joint_prompt(inputs, contexts, *context.progress);
  const IsRecorded every_layer = [](const std::string&, bool) { return true; };
  return record_contexts(
      inputs, std::move(contexts), of,
      of == MomentsOf::kInputs ? linear_layers_of(find_learned_targets(options["targets"])) : every_layer,
      {.steps = options["context-steps"],
       .images = options["context-images"],
       .image_size = options["context-size"]},
      context);
}

std::vector<RoutedContext> routes_of(const std::string& target, const LayerParts& parts,
                                     const std::vector<RecordedContext>& contexts) {
  std::vector<RoutedContext> routes;
  for (const RecordedContext& recorded : contexts)
    if (const auto moments = recorded.moments.find(target); moments != recorded.moments.end())
      routes.push_back(
          {recorded.context.weight, moments->second.mean, shares_of_ranks(recorded.context, parts)});
  return routes;
}

}  // namespace ziplora
