#include "ziplora/pipeline/text_to_image.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/diffusion/guidance.h"
#include "ziplora/diffusion/row_noise.h"
#include "ziplora/diffusion/scheduler.h"
#include "ziplora/models/time_ids.h"
#include "ziplora/pipeline/pass_rows.h"

namespace ziplora {
namespace {

/// The size of the images of a run, with defaults resolved.
struct Size {
  int64_t height, width;                // pixels
  int64_t latent_height, latent_width;  // latents
};

Size resolve_size(const Sdxl& base, const SamplingOptions& options) {
  const int64_t factor = base.vae.config.downsampling(), side = base.default_image_size();
  const int64_t height = options.height ? options.height : side, width = options.width ? options.width : side;
  base.check_image_size(height, width, options.where);
  return {height, width, height / factor, width / factor};
}

void refuse_other_settings(const nlohmann::json& config, const SchedulerEntry& entry) {
  for (const auto& [field, value] : entry.fixed_settings.items())
    if (const auto found = config.find(field); found != config.end() && !found->is_null() && *found != value)
      throw Error(ErrorKind::kInput, "scheduler_config.json",
                  fmt::format("the base's own scheduler has {} {}, only {} is supported", field,
                              found->dump(), value.dump()),
                  fmt::format("choose a scheduler by name, for example {}", entry.name));
}

std::string scheduler_name(const Sdxl& base, const SamplingOptions& options) {
  if (!options.scheduler.empty()) return options.scheduler;
  const auto name = base.scheduler_config.find("_class_name");
  const std::string written_by = name != base.scheduler_config.end() && name->is_string()
                                     ? name->get<std::string>()
                                     : "EulerDiscreteScheduler";
  std::string known;
  for (const SchedulerEntry& entry : schedulers()) {
    if (written_by == entry.diffusers_class) {
      refuse_other_settings(base.scheduler_config, entry);
      return entry.name;
    }
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  throw Error(ErrorKind::kInput, base.path.string() + "/scheduler/scheduler_config.json",
              "the base's own scheduler is " + written_by + ", known are " + known,
              "choose a scheduler by name, for example euler");
}

void check(const std::vector<ImageRow>& rows, const SamplingOptions& options) {
  if (rows.empty())
    throw Error(ErrorKind::kUsage, "generate", "there is no prompt, expected at least one",
                "name a prompt, for example \"a dog\"");
  if (options.batch_size < 1)
    throw Error(ErrorKind::kUsage, "generate",
                fmt::format("batch size {}, expected at least 1", options.batch_size),
                "for example a batch size of 4");
  if (options.guidance_rescale < 0 || options.guidance_rescale > 1)
    throw Error(ErrorKind::kUsage, "generate",
                fmt::format("guidance rescale {}, expected 0 to 1", options.guidance_rescale),
                "for example a guidance rescale of 0.7");
}

/// Strategies ask which adapters a row wears, so no weights become ones.
std::vector<ImageRow> weighed(std::vector<ImageRow> rows, const AttachedAdapters& attached) {
  for (ImageRow& row : rows)
    if (row.adapter_weights.empty())
      row.adapter_weights.assign(static_cast<size_t>(attached.num_adapters()), 1.0);
  return rows;
}

/// Start noise of unit variance for rows first…first+count−1, [count, C, h, w] float32 on the CPU.
at::Tensor start_noise(const Sdxl& base, const SamplingOptions& options, const Size& size, int64_t all_rows,
                       int64_t first, std::span<at::Generator> generators) {
  const int64_t channels = base.unet.config.in_channels;
  const auto count = static_cast<int64_t>(generators.size());
  const std::vector<int64_t> one_row{channels, size.latent_height, size.latent_width};
  if (!options.initial_noise.defined()) {
    std::vector<int64_t> shape = one_row;
    shape.insert(shape.begin(), count);
    return row_noise(at::empty(shape, at::kFloat), generators);
  }
  const at::Tensor& given = options.initial_noise;
  if (given.dim() != 4 || given.size(0) != all_rows || given.sizes().slice(1) != at::IntArrayRef(one_row))
    throw Error(ErrorKind::kIncompatible, "generate: initial noise",
                fmt::format("its shape is [{}], expected [{}, {}]", fmt::join(given.sizes(), ", "), all_rows,
                            fmt::join(one_row, ", ")),
                "pass one row per image, with the size of its latents");
  return given.narrow(0, first, count).to(at::kFloat);
}

/// The prompt embeddings of a run. Each text is encoded once for each set of adapter weights, however many
/// rows and batches use it, and by itself, so that a row's embeddings do not depend on its neighbours.
class RunPrompts {
 public:
  RunPrompts(const Sdxl& base, AttachedAdapters* attached, ProgressSink& progress)
      : base_(base), attached_(attached), progress_(progress) {}

  /// Leaves the adapters at the given weights. Adapters of the text encoders affect prompts and negative
  /// prompts alike.
  const PromptEmbeddings& encode(const std::string& prompt, const std::vector<double>& adapter_weights) {
    const auto [found, is_new] = known_.try_emplace({prompt, adapter_weights});
    if (is_new) {
      if (attached_) attached_->set_row_weights(strengths_tensor({adapter_weights}));
      found->second = base_.encode_prompt({prompt}, progress_);
    }
    return found->second;
  }

 private:
  const Sdxl& base_;
  AttachedAdapters* attached_;
  ProgressSink& progress_;
  std::map<std::pair<std::string, std::vector<double>>, PromptEmbeddings> known_;
};

/// A forward pass over rows first…first+count−1; with guidance the unconditional ones come first.
struct Pass {
  size_t first, count;
  UNetConditioning conditioning;
};

UNetConditioning condition(const Sdxl& base, const PassRows& rows, size_t first, size_t count, bool guided,
                           const Size& size, RunPrompts& prompts) {
  std::vector<at::Tensor> embeds, pooled;
  const auto add = [&](const PromptEmbeddings& embeddings) {
    embeds.push_back(embeddings.prompt_embeds);
    pooled.push_back(embeddings.pooled_prompt_embeds);
  };
  if (guided) {
    for (size_t i = first; i < first + count; ++i) {
      const ImageRow& row = rows.image(i);
      const RowStrengths worn = rows.text_strengths(i);
      if (row.negative_prompt || !base.force_zeros_for_empty_prompt) {
        add(prompts.encode(row.negative_prompt.value_or(""), worn.unconditional));
      } else {
        const PromptEmbeddings& cond = prompts.encode(row.prompt, worn.conditional);
        add({at::zeros_like(cond.prompt_embeds), at::zeros_like(cond.pooled_prompt_embeds)});
      }
    }
  }
  for (size_t i = first; i < first + count; ++i)
    add(prompts.encode(rows.image(i).prompt, rows.text_strengths(i).conditional));

  const at::Tensor ids = time_ids(uncropped(size.height, size.width), static_cast<int64_t>(embeds.size()))
                             .to(embeds.front().options());
  return {at::cat(embeds), at::cat(pooled), ids};
}

/// The rows of a batch in as many passes as its size asks for: without a strategy, one.
std::vector<Pass> passes_of(const Sdxl& base, const PassRows& rows, const SamplingOptions& options,
                            bool guided, const Size& size, RunPrompts& prompts) {
  std::vector<Pass> passes;
  const auto most = static_cast<size_t>(options.batch_size);
  for (size_t first = 0; first < rows.size(); first += most) {
    const size_t count = std::min(most, rows.size() - first);
    passes.push_back({first, count, condition(base, rows, first, count, guided, size, prompts)});
  }
  return passes;
}

/// The scheduler asked for, or the base's own, with its steps planned.
std::unique_ptr<Scheduler> planned_scheduler(const Sdxl& base, const SamplingOptions& options) {
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(base.scheduler_config));
  SchedulerOptions scheduler_options;
  scheduler_options.karras_sigmas =
      options.karras_sigmas ||
      (options.scheduler.empty() && base.scheduler_config.contains("use_karras_sigmas") &&
       base.scheduler_config["use_karras_sigmas"] == true);
  auto scheduler = make_scheduler(scheduler_name(base, options), schedule, scheduler_options);
  scheduler->set_steps(options.steps);
  return scheduler;
}

/// What the UNet predicts in a pass.
/// @param input  [images, C, h, w], scaled by the scheduler
/// @return       float32 [count, C, h, w], with guidance [2 · count, C, h, w]
at::Tensor predict(const Sdxl& base, const PassRows& rows, const Pass& pass, const at::Tensor& input,
                   double timestep, bool guided) {
  at::Tensor own = input;
  if (rows.size() != static_cast<size_t>(input.size(0))) {
    std::vector<at::Tensor> images;
    for (size_t i = pass.first; i < pass.first + pass.count; ++i)
      images.push_back(input.narrow(0, rows.image_index(i), 1));
    own = at::cat(images);
  }
  if (guided) own = at::cat({own, own});
  const at::Tensor timesteps = at::full({own.size(0)}, timestep, own.options().dtype(at::kFloat));
  return base.unet.forward(own.to(base.policy.dtype), timesteps, pass.conditioning).to(at::kFloat);
}

/// The predictions of several passes, averaged for each image.
/// @return  [images, …], with guidance [2 · images, …], the unconditional ones first
at::Tensor joined(const PassRows& rows, const std::vector<at::Tensor>& predictions, bool guided) {
  if (predictions.size() == 1 && rows.is_constant()) return predictions.front();
  std::vector<at::Tensor> unconditional, conditional;
  for (const at::Tensor& prediction : predictions) {
    const int64_t count = guided ? prediction.size(0) / 2 : 0;
    unconditional.push_back(prediction.narrow(0, 0, count));
    conditional.push_back(prediction.narrow(0, count, prediction.size(0) - count));
  }
  const at::Tensor mean = rows.mean_by_image(at::cat(conditional));
  return guided ? at::cat({rows.mean_by_image(at::cat(unconditional)), mean}) : mean;
}

void require_finite(const at::Tensor& latents, const std::string& where) {
  if (latents.isfinite().all().item<bool>()) return;
  throw Error(ErrorKind::kNonFinite, where, "the latents hold NaN or Inf after denoising",
              "run the base in float32, or check the adapters with 'ziplora inspect'");
}

/// Decodes one by one: the float32 activations of a whole batch would set the run's peak of memory.
void decode(const Sdxl& base, const at::Tensor& latents, bool tiling, const CancelToken& cancel,
            std::vector<at::Tensor>& images) {
  for (int64_t row = 0; row < latents.size(0); ++row) {
    cancel.throw_if_cancelled("generate");
    const at::Tensor scaled = latents.narrow(0, row, 1) / base.vae.config.scaling_factor;
    const at::Tensor image =
        tiling ? base.vae.decode_tiled(scaled, base.vae.default_tile_latent_size()) : base.vae.decode(scaled);
    images.push_back((image.to(at::kFloat) / 2 + 0.5).clamp(0.0, 1.0).cpu());
  }
}

}  // namespace

TextToImage::TextToImage(const Sdxl& base, AttachedAdapters* attached, Strategy* strategy)
    : base_(base), attached_(attached), strategy_(attached ? strategy : nullptr) {}

GeneratedImages TextToImage::run(const std::vector<ImageRow>& given_rows, const SamplingOptions& options,
                                 ProgressSink& progress, const CancelToken& cancel) const {
  const c10::InferenceMode no_gradients;
  check(given_rows, options);
  const std::vector<ImageRow> rows = strategy_ ? weighed(given_rows, *attached_) : given_rows;
  const Size size = resolve_size(base_, options);
  const bool guided = options.guidance_scale > 1.0;
  const auto scheduler = planned_scheduler(base_, options);
  if (strategy_) strategy_->set_steps(scheduler->timesteps().size(), progress);
  RunPrompts prompts(base_, attached_, progress);
  const auto all_rows = static_cast<int64_t>(rows.size());
  const int64_t batches = (all_rows + options.batch_size - 1) / options.batch_size;
  const auto steps_per_batch = static_cast<int64_t>(scheduler->timesteps().size());
  const LatentPreviews previews(base_, options.preview_every, scheduler->timesteps().size(),
                                options.on_preview);
  Stage stage(progress, "denoise", batches * steps_per_batch);

  std::vector<at::Tensor> images, latents;
  for (int64_t first = 0; first < all_rows; first += options.batch_size) {
    const int64_t count = std::min(options.batch_size, all_rows - first);
    const std::span<const ImageRow> batch(rows.data() + first, static_cast<size_t>(count));
    cancel.throw_if_cancelled(options.where);

    // 1. What the rows are conditioned on
    const PassRows pass_rows(batch, strategy_);
    const std::vector<Pass> passes = passes_of(base_, pass_rows, options, guided, size, prompts);

    // 2. Start noise; one generator per row also feeds the schedulers that add noise
    std::vector<at::Generator> generators;
    for (const ImageRow& row : batch) generators.push_back(make_generator(row.seed));
    scheduler->set_steps(options.steps);
    at::Tensor sample =
        start_noise(base_, options, size, all_rows, first, generators).to(base_.policy.device) *
        scheduler->initial_noise_sigma();

    // 3. Denoising loop; the sample stays float32 whatever the dtype of the model
    for (size_t step = 0; step < scheduler->timesteps().size(); ++step) {
      cancel.throw_if_cancelled(options.where);
      const at::Tensor input = scheduler->scale_model_input(sample, step);
      std::vector<at::Tensor> predictions;
      for (const Pass& pass : passes) {
        if (attached_ && (step == 0 || !pass_rows.is_constant()))
          pass_rows.wear(*attached_, pass.first, pass.count, guided, step);
        predictions.push_back(predict(base_, pass_rows, pass, input, scheduler->timesteps()[step], guided));
      }
      at::Tensor noise_pred = joined(pass_rows, predictions, guided);
      if (guided) noise_pred = guide(noise_pred, options.guidance_scale, options.guidance_rescale);
      sample = scheduler->step(noise_pred, step, sample, generators);
      stage.step();
      previews.show(first, step, scheduler->timesteps()[step], input, noise_pred);
    }
    require_finite(sample, options.where);

    // 4. Images
    if (options.decode) decode(base_, sample, options.vae_tiling, cancel, images);
    latents.push_back(sample.cpu());
  }
  return {options.decode ? at::cat(images) : at::Tensor(), at::cat(latents)};
}

}  // namespace ziplora
