// The merge method `ssr`: SSR-Merge (arXiv 2606.10617) with the joint context that it lacks. Each layer's up is
// multiplied by a small matrix that gives every adapter its share in every context (row_space_routing.h):
//
//     up ← [up_1 … up_K] · R,     down = [down_1; …; down_K] as it is
//
// It is exact at rank Σ r_k and takes a few forward passes and no gradient. Beyond the paper: a ridge relative to the
// moments, since an absolute one means another thing for each file; contexts with shares; convolutions, whose
// z is what their down passes on at each place; layers that one adapter alone touches are routed too. Layers of
// the text encoders are added directly.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/merge/concatenate.h"
#include "ziplora/merge/layerwise.h"
#include "ziplora/merge/merge_method.h"
#include "ziplora/merge/prompt_context.h"
#include "ziplora/merge/row_space_moments.h"
#include "ziplora/merge/row_space_routing.h"

namespace ziplora {
namespace {

struct RecordedContext {
  PromptContext context;
  RowSpaceMoments moments;
};

at::Tensor shares_of_ranks(const PromptContext& context, const LayerParts& parts) {
  std::vector<at::Tensor> shares;
  for (const LayerPart& part : parts)
    shares.push_back(at::full({part.layer->rank()}, context.shares[part.input], at::kDouble));
  return at::cat(shares);
}

LoraLayer routed(const std::string& target, const LayerParts& parts,
                 const std::vector<RecordedContext>& contexts, double ridge) {
  LoraLayer layer = concatenate_layer(parts);
  std::vector<RoutedContext> routes;
  for (const RecordedContext& recorded : contexts)
    if (const auto moments = recorded.moments.find(target); moments != recorded.moments.end())
      routes.push_back(
          {recorded.context.weight, moments->second.mean, shares_of_ranks(recorded.context, parts)});
  if (routes.empty()) return layer;
  const at::Tensor up = layer.up.flatten(1).to(at::kDouble).matmul(router(routes, ridge));
  layer.up = up.to(at::kFloat).view(layer.up.sizes());
  return layer;
}

std::vector<RecordedContext> record(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                                    MergeContext& context) {
  const RecordingOptions recording{.steps = options["context-steps"],
                                   .images = options["context-images"],
                                   .image_size = options["context-size"]};
  std::vector<RecordedContext> contexts;
  for (PromptContext& prompts :
       prompt_contexts(inputs, context.joint_prompts,
                       {.weight = options["joint-weight"], .subject_share = options["joint-subject"]})) {
    context.progress->note(fmt::format("{}: \"{}\"", prompts.name, fmt::join(prompts.prompts, "\", \"")));
    RowSpaceMoments moments = record_row_space(*context.base, inputs, prompts, recording, context.seed,
                                               *context.progress, *context.cancel);
    contexts.push_back({std::move(prompts), std::move(moments)});
  }
  return contexts;
}

/// Layers that one vector an image reaches always have few; the ridge holds them to the plain sum.
void warn_of_few_tokens(const std::vector<RecordedContext>& contexts, ProgressSink& progress) {
  for (const RecordedContext& recorded : contexts) {
    for (const auto& [target, moments] : recorded.moments) {
      const int64_t ranks = moments.mean.size(0);
      if (moments.one_an_image || moments.tokens >= 2 * ranks) continue;
      progress.warning(fmt::format(
          "{}: a layer has seen {} tokens for {} ranks ({}); at least {} make its moments sure: raise "
          "--context-steps or --context-images",
          recorded.context.name, moments.tokens, ranks, target, 2 * ranks));
      break;
    }
  }
}

MergeResult run_ssr(const std::vector<MergeInput>& inputs, const nlohmann::json& options,
                    MergeContext& context) {
  const std::vector<RecordedContext> contexts = record(inputs, options, context);
  warn_of_few_tokens(contexts, *context.progress);
  const double ridge = options["ridge"];
  MergeResult result =
      merge_layerwise(inputs, context, [&](const std::string& target, const LayerParts& parts) {
        return routed(target, parts, contexts, ridge);
      });
  result.mixes_ranks = true;
  return result;
}

}  // namespace

MergeMethod ssr_method() {
  const RecordingOptions recording;
  const JointOptions joint;
  return {
      .name = "ssr",
      .summary =
          "each adapter gets its share under each prompt, the joint one too, in closed form (SSR-Merge, "
          "arXiv 2606.10617)",
      .needs_base = true,
      .options =
          {{.name = "joint-weight",
            .help = "Weigh the joint prompt by this, beside 1 for each own prompt; 0: SSR-Merge as published",
            .default_value = joint.weight,
            .minimum = 0},
           {.name = "joint-subject",
            .help = "Give the subject this share of its strength under the joint prompt",
            .default_value = joint.subject_share,
            .minimum = 0},
           {.name = "ridge",
            .help = "Hold to the plain sum by this share of the moments' mean",
            .default_value = 0.01,
            .minimum = 0},
           {.name = "context-steps",
            .help = "Record this many steps of the sampler",
            .default_value = recording.steps,
            .minimum = 1},
           {.name = "context-images",
            .help = "Begin this many images in each context, at least one per prompt",
            .default_value = recording.images,
            .minimum = 1,
            .maximum = 10'000},
           {.name = "context-size",
            .help = "Record at sides of this many pixels; 0: the base's own size",
            .default_value = recording.image_size,
            .minimum = 0}},
      .run = run_ssr};
}

}  // namespace ziplora
