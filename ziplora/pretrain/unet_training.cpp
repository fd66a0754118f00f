#include "ziplora/pretrain/unet_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/upsample_bicubic2d.h>

#include <random>

#include "ziplora/base/rng.h"
#include "ziplora/diffusion/noise_schedule.h"
#include "ziplora/pretrain/world_batches.h"

namespace ziplora {
namespace {

/// Pictures and the six ids that say how they were cut.
struct CroppedBatch {
  at::Tensor images;    ///< [B, 3, S, S]
  at::Tensor time_ids;  ///< [B, 6] float32
};

CroppedBatch crop_some(const at::Tensor& images, std::mt19937_64& random) {
  const int64_t size = images.size(2);
  std::vector<at::Tensor> cropped, ids;
  for (const at::Tensor& image : images.unbind(0)) {
    const float side = static_cast<float>(size);
    if (random() % 6 != 0) {
      cropped.push_back(image);
      ids.push_back(at::tensor({side, side, 0.f, 0.f, side, side}));
      continue;
    }
    const int64_t larger = size + size / 8 + static_cast<int64_t>(random() % (size / 2));
    const int64_t top = static_cast<int64_t>(random() % (larger - size + 1));
    const int64_t left = static_cast<int64_t>(random() % (larger - size + 1));
    const at::Tensor enlarged =
        at::upsample_bicubic2d(image.unsqueeze(0), {larger, larger}, /*align_corners=*/false).clamp(0, 1);
    cropped.push_back(enlarged[0].narrow(1, top, size).narrow(2, left, size));
    const float original = static_cast<float>(larger);
    ids.push_back(
        at::tensor({original, original, static_cast<float>(top), static_cast<float>(left), side, side}));
  }
  return {at::stack(cropped), at::stack(ids)};
}

}  // namespace

std::string with_nonsense_word(const std::string& caption, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string word;
  for (int64_t length = 3 + static_cast<int64_t>(random() % 2); length > 0; --length)
    word += static_cast<char>('a' + random() % 26);
  std::vector<size_t> starts{0};
  for (size_t i = 0; i + 1 < caption.size(); ++i)
    if (caption[i] == ' ') starts.push_back(i + 1);
  std::string result = caption;
  return result.insert(starts[random() % starts.size()], word + " ");
}

void train_unet(Sdxl& base, const World& world, const UNetTrainingOptions& options,
                const std::function<void(UNet2DConditionModel& unet)>& snapshot, ProgressSink& progress,
                const CancelToken& cancel) {
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(base.scheduler_config));
  WorldBatches batches(world, options.batch_size, options.seed);
  auto step = [&](int64_t iteration) {
    const uint64_t seed = derive_seed(options.seed, "unet step " + std::to_string(iteration));
    std::mt19937_64 random(seed);
    at::Generator generator = make_generator(seed);
    const SceneBatch batch = batches.at(iteration);
    const int64_t rows = batch.images.size(0);
    at::Tensor latents;
    CroppedBatch cropped;
    PromptEmbeddings prompts;
    {
      const at::NoGradGuard no_grad;
      std::vector<std::string> captions;
      for (const std::string& caption : batch.captions)
        captions.push_back(random() % 8 == 0 ? with_nonsense_word(caption, random()) : caption);
      cropped = crop_some(batch.images, random);
      latents =
          base.vae.encode(as_input(cropped.images * 2 - 1, options.plan)).sample(generator).to(at::kFloat) *
          base.vae.config.scaling_factor;
      prompts = base.encode_prompt(captions, progress);
      const at::Tensor keep = at::empty({rows})
                                  .uniform_(0, 1, generator)
                                  .ge(options.unconditional_fraction)
                                  .to(options.plan.working_dtype);
      prompts.prompt_embeds = prompts.prompt_embeds * keep.view({rows, 1, 1});
      prompts.pooled_prompt_embeds = prompts.pooled_prompt_embeds * keep.view({rows, 1});
    }
    const at::Tensor timesteps =
        at::randint(0, schedule.config.num_train_timesteps, {rows}, generator, at::kLong);
    const at::Tensor noise = at::randn(latents.sizes(), generator);
    const at::Tensor predicted =
        base.unet
            .forward(as_input(schedule.add_noise(latents, noise, timesteps), options.plan), timesteps,
                     {prompts.prompt_embeds, prompts.pooled_prompt_embeds, cropped.time_ids})
            .to(at::kFloat);
    const at::Tensor error = (predicted - schedule.target(latents, noise, timesteps)).pow(2).mean({1, 2, 3});
    return TrainingStep{error.mean(), {}};
  };
  train_stage(
      options.plan, {{"unet", &base.unet}}, step, [&](int64_t) { snapshot(base.unet); }, progress, cancel);
}

}  // namespace ziplora
