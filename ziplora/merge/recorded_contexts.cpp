#include "ziplora/merge/recorded_contexts.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>

#include <functional>

#include "ziplora/io/sha256.h"
#include "ziplora/lora/attention_projection.h"
#include "ziplora/merge/kept_moments.h"

namespace ziplora {
namespace {

at::Tensor shares_of_ranks(const PromptContext& context, const LayerParts& parts) {
  std::vector<at::Tensor> shares;
  for (const LayerPart& part : parts)
    shares.push_back(at::full({part.layer->rank()}, context.shares[part.input], at::kDouble));
  return at::cat(shares);
}

/// Weights that fine-tuning changes.
std::string fingerprint_of(Sdxl& base) {
  const std::vector<at::Tensor> parameters = base.unet.parameters();
  Sha256 digest;
  for (const at::Tensor& end : {parameters.front(), parameters.back()}) {
    const at::Tensor values = end.detach().to(at::kCPU, at::kFloat).contiguous();
    digest.update(values.data_ptr(), values.nbytes());
  }
  return digest.hex();
}

/// What the moments of all contexts depend on.
nlohmann::json common_settings(MomentsOf of, const LearnedTargets* targets, const RecordingOptions& recording,
                               const MergeContext& context) {
  return {{"of", of == MomentsOf::kInputs ? "inputs" : "row space"},
          {"layers", targets ? targets->name : "every"},
          {"steps", recording.steps},
          {"images", recording.images},
          {"image_size", recording.image_size},
          {"seed", context.seed},
          {"base", context.base->path.string()},
          {"base_sha256", fingerprint_of(*context.base)},
          {"dtype", c10::toString(context.base->policy.dtype)}};
}

/// And of one. Its weight is not among them, nor a strength that its share cancels.
nlohmann::json settings_of(const PromptContext& prompts, const std::vector<MergeInput>& inputs,
                           nlohmann::json common) {
  common["context"] = prompts.name;
  common["prompts"] = prompts.prompts;
  common["strengths"] = strengths_in(prompts, inputs);
  for (const MergeInput& input : inputs) common["inputs"].push_back(input.sha256);
  return common;
}

ContextMoments kept_or_recorded(KeptMoments& kept, const nlohmann::json& settings,
                                const std::function<ContextMoments()>& record) {
  if (std::optional<ContextMoments> found = kept.find(settings)) return std::move(*found);
  ContextMoments recorded = record();
  kept.put(settings, recorded);
  return recorded;
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

std::vector<MergeOption> recording_table(MomentsOf moments) {
  const RecordingOptions defaults = default_recording(moments);
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

RecordingOptions default_recording(MomentsOf moments) {
  RecordingOptions recording;
  if (moments == MomentsOf::kInputs) recording.images = 4;
  return recording;
}

std::vector<MergeOption> context_table(MomentsOf moments) {
  std::vector<MergeOption> table = joint_table({});
  for (MergeOption& option : recording_table(moments)) table.push_back(std::move(option));
  return table;
}

MergeOption input_targets() {
  return {.name = "targets",
          .help = "Merge these layers so and add the others directly",
          .default_value = "attention",
          .choices = {"attention", "linear"},
          .value_name = "LAYERS"};
}

std::vector<RecordedContext> record_contexts(const std::vector<MergeInput>& inputs,
                                             std::vector<PromptContext> contexts, MomentsOf of,
                                             const LearnedTargets* targets, const RecordingOptions& recording,
                                             MergeContext& context) {
  const IsRecorded is_recorded = [targets](const std::string& target, bool is_convolution) {
    return !targets || (!is_convolution && targets->includes(target, is_convolution));
  };
  KeptMoments* const kept = context.kept_moments;
  const nlohmann::json common =
      kept ? common_settings(of, targets, recording, context) : nlohmann::json::object();
  std::vector<RecordedContext> recorded;
  for (PromptContext& prompts : contexts) {
    const auto record = [&] {
      return record_moments(*context.base, inputs, prompts, of, is_recorded, recording, context.seed,
                            *context.progress, *context.cancel, *context.team);
    };
    ContextMoments moments =
        kept ? kept_or_recorded(*kept, settings_of(prompts, inputs, common), record) : record();
    recorded.push_back({std::move(prompts), std::move(moments)});
    warn_of_few_tokens(recorded.back(), of == MomentsOf::kInputs ? "features" : "ranks", *context.progress);
  }
  if (kept && context.team->leads()) kept->write(*context.progress);
  return recorded;
}

std::vector<RecordedContext> record_contexts(const std::vector<MergeInput>& inputs,
                                             const nlohmann::json& options, MomentsOf of,
                                             MergeContext& context) {
  std::vector<PromptContext> contexts =
      prompt_contexts(inputs, context.joint_prompts, joint_options_of(options));
  note_joint_prompts(inputs, contexts, *context.progress);
  return record_contexts(inputs, std::move(contexts), of,
                         of == MomentsOf::kInputs ? &find_learned_targets(options["targets"]) : nullptr,
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
