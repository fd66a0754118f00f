#include "mini/pretrain/unet_validation.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <vector>

#include "mini/judge/frechet_distance.h"
#include "ziplora/base/progress.h"
#include "ziplora/base/rng.h"
#include "ziplora/diffusion/noise_schedule.h"
#include "ziplora/models/time_ids.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora::mini {
namespace {

constexpr int64_t kRows = 32;

}  // namespace

std::map<int64_t, double> unet_validation_error(const Sdxl& base, const World& world, int64_t scenes) {
  const at::NoGradGuard no_grad;
  const NoiseSchedule schedule(NoiseScheduleConfig::from_json(base.scheduler_config));
  const at::ScalarType dtype = base.policy.dtype;
  NullProgress quiet;  // no warnings of long captions, which are cut as everywhere
  std::map<int64_t, double> errors;
  for (int64_t first = 0; first < scenes; first += kRows) {
    const int64_t rows = std::min(kRows, scenes - first);
    at::Generator generator = make_generator(static_cast<uint64_t>(first));
    const SceneBatch batch = world.sample_batch(static_cast<uint64_t>(first), rows, Split::kValidation);
    const at::Tensor latents =
        base.vae.encode((batch.images * 2 - 1).to(dtype)).sample(generator).to(at::kFloat) *
        base.vae.config.scaling_factor;
    const PromptEmbeddings prompts = base.encode_prompt(batch.captions, quiet);
    const at::Tensor ids = time_ids(uncropped(world.size(), world.size()), rows);
    for (const int64_t t : {950, 800, 600, 400, 200}) {
      const at::Tensor timesteps = at::full({rows}, t, at::kLong);
      const at::Tensor noise = at::randn(latents.sizes(), generator);
      const at::Tensor predicted =
          base.unet
              .forward(schedule.add_noise(latents, noise, timesteps).to(dtype), timesteps,
                       {prompts.prompt_embeds, prompts.pooled_prompt_embeds, ids})
              .to(at::kFloat);
      errors[t] += at::mse_loss(predicted, schedule.target(latents, noise, timesteps)).item<double>() *
                   static_cast<double>(rows) / static_cast<double>(scenes);
    }
  }
  return errors;
}

double validation_frechet_distance(const Sdxl& base, const World& world, const ImageJudge& judge,
                                   int64_t scenes, int64_t steps, const CancelToken& cancel) {
  std::vector<ImageRow> rows;
  std::vector<at::Tensor> by_artist;
  for (int64_t i = 0; i < scenes; ++i) {
    const auto seed = static_cast<uint64_t>(i);
    const SceneContent content = world.describe(seed, Split::kValidation).content;
    rows.push_back(
        {.prompt = world.caption(content), .negative_prompt = {}, .seed = seed, .adapter_weights = {}});
    by_artist.push_back(world.evaluation_scene(content, seed));
  }
  SamplingOptions sampling;
  sampling.steps = steps;
  sampling.batch_size = 16;
  NullProgress quiet;  // the progress shown is the training's
  const at::Tensor by_base = TextToImage(base).run(rows, sampling, quiet, cancel).images;
  return frechet_distance(judge.embed(by_base), judge.embed(at::stack(by_artist)));
}

}  // namespace ziplora::mini
