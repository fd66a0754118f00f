#include "ziplora/merge/zip_inputs.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/data/augmentation.h"
#include "ziplora/io/image_file.h"
#include "ziplora/models/time_ids.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora {
namespace {

std::vector<const Adapter*> adapters_of(const std::vector<MergeInput>& inputs) {
  std::vector<const Adapter*> adapters;
  for (const MergeInput& input : inputs) adapters.push_back(input.adapter);
  return adapters;
}

// [prompts of all, K]: a prompt's row has every adapter at its strength, or at its share of it in the context.
at::Tensor row_weights(const std::vector<MergeInput>& inputs, const std::vector<PromptContext>& contexts,
                       bool merged) {
  std::vector<at::Tensor> rows;
  for (const PromptContext& context : contexts) {
    std::vector<double> strengths = strengths_in(context, inputs);
    for (size_t k = 0; merged && k < inputs.size(); ++k) strengths[k] = inputs[k].strength;
    rows.insert(rows.end(), context.prompts.size(), at::tensor(strengths, at::kFloat));
  }
  return at::stack(rows);
}

UNetConditioning rows_of(const UNetConditioning& prompts, const at::Tensor& rows) {
  return {prompts.encoder_hidden_states.index_select(0, rows), prompts.text_embeds.index_select(0, rows),
          prompts.time_ids.index_select(0, rows)};
}

/// The rows' latents, [rows, C, h, w]: each process draws some of them. One that is left with none draws the first, to no
/// purpose but its shape.
at::Tensor drawn_together(const std::vector<ImageRow>& rows, Team& team,
                          const std::function<at::Tensor(const std::vector<ImageRow>&)>& draw) {
  if (team.is_alone()) return draw(rows);
  std::vector<ImageRow> own;
  std::vector<int64_t> places;
  for (size_t i = 0; i < rows.size(); ++i)
    if (team.takes(static_cast<int64_t>(i)))
      own.push_back(rows[i]), places.push_back(static_cast<int64_t>(i));
  const at::Tensor drawn = draw(own.empty() ? std::vector<ImageRow>{rows.front()} : own);
  std::vector<int64_t> shape = drawn.sizes().vec();
  shape.front() = static_cast<int64_t>(rows.size());
  const at::Tensor all = at::zeros(shape, drawn.options());
  if (!own.empty()) all.index_copy_(0, at::tensor(places, at::kLong), drawn);
  team.sum({all});
  return all;
}

}  // namespace

void require_prompts(const std::vector<MergeInput>& inputs) {
  for (const MergeInput& input : inputs) {
    const std::string role = name_of(input.role);
    const std::string where = fmt::format("merge: {} {}", role, input.adapter->source.string());
    if (!input.images.empty() && input.images.size() < input.prompts.size())
      throw Error(ErrorKind::kUsage, where,
                  fmt::format("it has {} prompts, but only {} images to learn them on", input.prompts.size(),
                              input.images.size()),
                  fmt::format("give an image for each prompt, or leave out some --{}-prompt", role));
    if (!input.prompts.empty()) continue;
    throw Error(ErrorKind::kUsage, where,
                "the file does not record the prompt that it was trained on, which the merge needs",
                fmt::format("add --{}-prompt \"…\" with the words that call it up", role));
  }
}

ZipInputs::ZipInputs(Sdxl& base, const std::vector<MergeInput>& inputs,
                     const std::vector<PromptContext>& contexts, const ZipInputOptions& options,
                     uint64_t seed, ProgressSink& progress, const CancelToken& cancel,
                     const NamedTensors& kept_latents, Team& team)
    : schedule_(NoiseScheduleConfig::from_json(base.scheduler_config)),
      options_(options),
      image_size_(options.image_size.value_or(base.default_image_size())),
      seed_(seed),
      policy_(base.policy),
      team_(team) {
  require_prompts(inputs);
  require_shares(team_, options.rows_each, "merge: zip");
  at::NoGradGuard no_grad;
  base.check_image_size(image_size_, image_size_, "merge: --image-size");
  encode_prompts(base, inputs, contexts, progress);

  latents_.resize(contexts.size());
  for (size_t c = 0; c < contexts.size(); ++c) {
    if (const auto kept = kept_latents.find(fmt::format("latents.{}", c)); kept != kept_latents.end())
      latents_[c] = kept->second.clone();
    else if (c < inputs.size() && !inputs[c].images.empty())
      latents_[c] = encode_images(base, inputs[c], progress, cancel);
  }
  draw_images(base, inputs, contexts, progress, cancel);
}

void ZipInputs::encode_prompts(Sdxl& base, const std::vector<MergeInput>& inputs,
                               const std::vector<PromptContext>& contexts, ProgressSink& progress) {
  std::vector<std::string> prompts;
  first_prompt_ = {0};
  for (const PromptContext& context : contexts) {
    prompts.insert(prompts.end(), context.prompts.begin(), context.prompts.end());
    first_prompt_.push_back(static_cast<int64_t>(prompts.size()));
  }
  const at::Tensor ids =
      time_ids(uncropped(image_size_, image_size_), first_prompt_.back()).to(policy_.device);
  const auto conditioning = [&](const PromptEmbeddings& embeddings) {
    return UNetConditioning{embeddings.prompt_embeds, embeddings.pooled_prompt_embeds, ids};
  };
  AttachedAdapters attached(base.components(), adapters_of(inputs));
  attached.set_row_weights(row_weights(inputs, contexts, true));
  merged_ = conditioning(base.encode_prompt(prompts, progress));
  attached.set_row_weights(row_weights(inputs, contexts, false));
  separate_ = conditioning(base.encode_prompt(prompts, progress));
}

at::Tensor ZipInputs::encode_images(const Sdxl& base, const MergeInput& input, ProgressSink& progress,
                                    const CancelToken& cancel) const {
  std::vector<at::Tensor> rows;
  at::Generator unused = make_generator(0);  // a center crop draws no random numbers that matter
  const at::ScalarType dtype = base.vae.config.force_upcast ? at::kFloat : policy_.dtype;
  Stage stage(progress, "encode", static_cast<int64_t>(input.images.size()));
  for (const std::filesystem::path& path : input.images) {
    cancel.throw_if_cancelled("merge: encode");
    const CroppedImage view = crop_view(read_image(path), {.target = {image_size_, image_size_}}, unused);
    const at::Tensor pixels = (view.pixels * 2 - 1).unsqueeze(0).to(policy_.device, dtype);
    rows.push_back(base.vae.encode(pixels).mean.to(at::kFloat) * base.vae.config.scaling_factor);
    stage.step();
  }
  return at::cat(rows, 0).to(at::kCPU);
}

void ZipInputs::draw_images(Sdxl& base, const std::vector<MergeInput>& inputs,
                            const std::vector<PromptContext>& contexts, ProgressSink& progress,
                            const CancelToken& cancel) {
  std::vector<ImageRow> rows;
  std::vector<size_t> drawing;     // the contexts that draw
  std::vector<int64_t> first_row;  // of each of them
  std::vector<std::string> counts;
  for (size_t c = 0; c < contexts.size(); ++c) {
    if (latents_[c].defined()) continue;
    drawing.push_back(c);
    const std::vector<std::string>& prompts = contexts[c].prompts;
    const int64_t count = std::max(options_.images, static_cast<int64_t>(prompts.size()));
    first_row.push_back(static_cast<int64_t>(rows.size()));
    for (int64_t i = 0; i < count; ++i)
      rows.push_back({.prompt = prompts[static_cast<size_t>(i) % prompts.size()],
                      .negative_prompt = {},
                      .seed = derive_seed(seed_, fmt::format("zip picture {} {}", c, i)),
                      .adapter_weights = strengths_in(contexts[c], inputs)});
    counts.push_back(fmt::format(
        "{} by {}", count,
        c < inputs.size() ? inputs[c].adapter->source.filename().string() : "all of them together"));
  }
  if (rows.empty()) return;
  first_row.push_back(static_cast<int64_t>(rows.size()));
  progress.note(fmt::format("images are drawn to learn on: {}", fmt::join(counts, ", ")));
  AttachedAdapters attached(base.components(), adapters_of(inputs));
  SamplingOptions sampling;
  sampling.steps = options_.image_steps;
  sampling.guidance_scale = options_.image_guidance_scale;
  sampling.height = sampling.width = image_size_;
  sampling.decode = false;
  sampling.where = "merge: draw";
  const at::Tensor drawn = drawn_together(rows, team_, [&](const std::vector<ImageRow>& own) {
    return TextToImage(base, &attached).run(own, sampling, progress, cancel).latents.to(at::kCPU, at::kFloat);
  });
  for (size_t i = 0; i < drawing.size(); ++i)
    latents_[drawing[i]] = drawn.slice(0, first_row[i], first_row[i + 1]).clone();
}

ZipBatch ZipInputs::batch(const std::string& purpose, std::optional<int64_t> timestep) const {
  std::vector<at::Tensor> latents, noises, timesteps, prompts;
  const auto own = [&](const at::Tensor& rows) {
    return rows.narrow(0, team_.first_of(options_.rows_each), options_.rows_each / team_.size());
  };
  for (size_t c = 0; c < latents_.size(); ++c) {
    at::Generator generator = make_generator(derive_seed(seed_, fmt::format("zip {} {}", purpose, c)));
    const at::Tensor index = at::randint(latents_[c].size(0), {options_.rows_each}, generator, at::kLong);
    std::vector<int64_t> shape = latents_[c].sizes().vec();
    shape.front() = options_.rows_each;
    const at::Tensor noise = at::randn(shape, generator);
    const at::Tensor t = timestep ? at::full({options_.rows_each}, *timestep, at::kLong)
                                  : at::randint(schedule_.config.num_train_timesteps, {options_.rows_each},
                                                generator, at::kLong);
    latents.push_back(latents_[c].index_select(0, own(index)));
    prompts.push_back(own(index).remainder(first_prompt_[c + 1] - first_prompt_[c]) + first_prompt_[c]);
    noises.push_back(own(noise));
    timesteps.push_back(own(t));
  }
  const at::Tensor t = at::cat(timesteps, 0);
  const at::Tensor rows = at::cat(prompts, 0).to(policy_.device);
  return {schedule_.add_noise(at::cat(latents, 0), at::cat(noises, 0), t).to(policy_.device),
          t.to(policy_.device), rows_of(merged_, rows), rows_of(separate_, rows)};
}

ZipBatch ZipInputs::training_batch(int64_t iteration) const {
  return batch(fmt::format("iteration {}", iteration), std::nullopt);
}

ZipBatch ZipInputs::evaluation_batch(int64_t draw, int64_t draws) const {
  const int64_t timestep = (2 * draw + 1) * schedule_.config.num_train_timesteps / (2 * draws);
  return batch(fmt::format("evaluation {}", draw), timestep);
}

NamedTensors ZipInputs::latents() const {
  NamedTensors named;
  for (size_t c = 0; c < latents_.size(); ++c) named[fmt::format("latents.{}", c)] = latents_[c];
  return named;
}

}  // namespace ziplora
