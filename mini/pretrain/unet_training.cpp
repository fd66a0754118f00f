#include "mini/pretrain/unet_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_bicubic2d.h>
#include <ATen/ops/where.h>

#include <random>

#include "ziplora/base/progress.h"
#include "ziplora/base/rng.h"
#include "ziplora/diffusion/noise_schedule.h"
#include "ziplora/models/time_ids.h"

namespace ziplora::mini {
namespace {

/// Images and the six ids that say how they were cut.
struct CroppedBatch {
  at::Tensor images;    ///< [B, 3, S, S]
  at::Tensor time_ids;  ///< [B, 6] float32
};

CroppedBatch crop_some(const at::Tensor& images, std::mt19937_64& random) {
  const int64_t size = images.size(2);
  std::vector<at::Tensor> cropped, ids;
  for (const at::Tensor& image : images.unbind(0)) {
    if (random() % 12 != 0) {
      cropped.push_back(image);
      ids.push_back(time_ids(uncropped(size, size)));
      continue;
    }
    const int64_t larger = size + size / 8 + static_cast<int64_t>(random() % (size / 2));
    const int64_t top = static_cast<int64_t>(random() % (larger - size + 1));
    const int64_t left = static_cast<int64_t>(random() % (larger - size + 1));
    const at::Tensor enlarged =
        at::upsample_bicubic2d(image.unsqueeze(0), {larger, larger}, /*align_corners=*/false).clamp(0, 1);
    cropped.push_back(enlarged[0].narrow(1, top, size).narrow(2, left, size));
    ids.push_back(time_ids({larger, larger, top, left, size, size}));
  }
  return {at::stack(cropped), at::cat(ids)};
}

/// [count] int64. Four of five follow a logit-normal law, as in Stable Diffusion 3 (arXiv 2403.03206, 3.1):
/// under `write_pipeline_files`' schedule outlines and details come about between t = 400 and 900;
/// below, they can be read off the latents. More than a fifth lies above 750, where a shape must come from
/// the words, a quarter below 400, without which all outlines stay soft. One of five is uniform, so that no
/// step of a sampler is unknown.
at::Tensor timesteps_where_images_form(int64_t count, int64_t num_train_timesteps, at::Generator generator) {
  const at::Tensor middle = (at::randn({count}, generator) + 0.3).sigmoid();
  const at::Tensor anywhere = at::rand({count}, generator);
  const at::Tensor part = at::where(at::rand({count}, generator).lt(0.2), anywhere, middle);
  return (part * num_train_timesteps).to(at::kLong).clamp(0, num_train_timesteps - 1);
}

}  // namespace

std::string with_nonsense_word(const std::string& caption, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string word;
  for (int64_t length = 3 + static_cast<int64_t>(random() % 2); length > 0; --length)
    word += static_cast<char>('a' + random() % 26);
  const uint64_t place = random() % 3;
  if (place == 0) return caption + ", in " + word + " style";
  if (place == 1) {
    for (const std::string article : {"a ", "an ", "some "})
      if (caption.starts_with(article))
        return (article == "an " ? "a " : article) + word + " " + caption.substr(article.size());
  }
  std::vector<size_t> starts{0};
  for (size_t i = 0; i + 1 < caption.size(); ++i)
    if (caption[i] == ' ') starts.push_back(i + 1);
  std::string result = caption;
  return result.insert(starts[random() % starts.size()], word + " ");
}

namespace {

/// One caption in four gets a nonsense word, and half of those a second one: prompts may call a subject's and
/// a style's LoRA together.
std::string with_nonsense_words(std::string caption, std::mt19937_64& random) {
  const uint64_t draw = random() % 8;
  const int words = draw == 0 ? 2 : draw == 1 ? 1 : 0;
  for (int i = 0; i < words; ++i) caption = with_nonsense_word(caption, random());
  return caption;
}

/// The loss of one part of an iteration's batch.
TrainingStep unet_step(Sdxl& base, const World& world, const NoiseSchedule& schedule,
                       const UNetTrainingOptions& options, int64_t iteration, int64_t part) {
  const int64_t rows = options.batch_size / options.parts;
  const int64_t first = (iteration * options.parts + part) * rows;
  const uint64_t seed = derive_seed(options.seed, "unet scenes from " + std::to_string(first));
  std::mt19937_64 random(seed);
  at::Generator generator = make_generator(seed);
  at::Tensor latents;
  CroppedBatch cropped;
  PromptEmbeddings prompts;
  {
    const at::NoGradGuard no_grad;
    const SceneBatch batch =
        world.sample_batch(options.seed + static_cast<uint64_t>(first), rows, Split::kTrain);
    std::vector<std::string> captions;
    for (const std::string& caption : batch.captions)
      captions.push_back(with_nonsense_words(caption, random));
    cropped = crop_some(batch.images, random);
    latents =
        base.vae.encode(as_input(cropped.images * 2 - 1, options.plan)).sample(generator).to(at::kFloat) *
        base.vae.config.scaling_factor;
    NullProgress quiet;  // no warnings of long captions, which are cut as everywhere
    prompts = base.encode_prompt(captions, quiet);
    const at::Tensor keep = at::empty({rows})
                                .uniform_(0, 1, generator)
                                .ge(options.unconditional_fraction)
                                .to(options.plan.working_dtype);
    prompts.prompt_embeds = prompts.prompt_embeds * keep.view({rows, 1, 1});
    prompts.pooled_prompt_embeds = prompts.pooled_prompt_embeds * keep.view({rows, 1});
  }
  const at::Tensor timesteps =
      timesteps_where_images_form(rows, schedule.config.num_train_timesteps, generator);
  const at::Tensor noise = at::randn(latents.sizes(), generator);
  const at::Tensor predicted =
      base.unet
          .forward(as_input(schedule.add_noise(latents, noise, timesteps), options.plan), timesteps,
                   {prompts.prompt_embeds, prompts.pooled_prompt_embeds, cropped.time_ids})
          .to(at::kFloat);
  return {at::mse_loss(predicted, schedule.target(latents, noise, timesteps)), {}};
}

}  // namespace

void train_unet(const std::vector<Sdxl*>& bases, const World& world, const UNetTrainingOptions& options,
                const std::function<void(int64_t iteration)>& snapshot, ProgressSink& progress,
                const CancelToken& cancel) {
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(bases.front()->scheduler_config));
  std::vector<Replica> replicas;
  for (Sdxl* base : bases)
    replicas.push_back({{{"unet", &base->unet}}, [&, base](int64_t iteration, int64_t part) {
                          return unet_step(*base, world, schedule, options, iteration, part);
                        }});
  train_stage(options.plan, replicas, options.parts, snapshot, progress, cancel);
}

}  // namespace ziplora::mini
