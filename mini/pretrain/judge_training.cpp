#include "mini/pretrain/judge_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>

#include "mini/judge/image_judge.h"
#include "mini/pretrain/caption_ids.h"
#include "mini/pretrain/contrastive_loss.h"
#include "ziplora/base/rng.h"

namespace ziplora::mini {
namespace {

/// A judge is for recognising. It has learned before to agree with captions, and must only not forget that.
constexpr double kAgreementWeight = 1.0 / 12;

/// One image of so many passes through the autoencoder. The noise is a fraction of the latents' spread, drawn
/// below this anew for each batch.
constexpr int64_t kOneSoftenedOf = 3;
constexpr double kMostNoise = 0.3;

/// The same images, some of them as the base's decoder would show them.
/// @param images  [N, 3, S, S]
at::Tensor some_softened(const at::Tensor& images, const AutoencoderKL& vae, uint64_t seed) {
  const at::NoGradGuard no_grad;
  at::Generator generator = make_generator(seed);
  const int64_t softened = images.size(0) / kOneSoftenedOf;
  if (softened == 0) return images;
  const at::Tensor latents = vae.encode(images.narrow(0, 0, softened) * 2 - 1).mean;
  const double noise = kMostNoise * at::rand({1}, generator).item<double>();
  const at::Tensor noisy = latents + at::randn(latents.sizes(), generator) * (noise * latents.std());
  return at::cat(
      {(vae.decode(noisy) / 2 + 0.5).clamp(0, 1), images.narrow(0, softened, images.size(0) - softened)});
}

/// One part of a batch. Captions cost as much as images, so only the first part is compared with its own.
TrainingStep judge_step(const JudgeInTraining& judge, const ClipTextModel& text_encoder,
                        const ClipTokenizer& tokenizer, const AutoencoderKL& vae, const World& world,
                        const JudgeTrainingOptions& options, int64_t iteration, int64_t part) {
  const int64_t rows = options.batch_size / options.parts;
  const int64_t first = (iteration * options.parts + part) * rows;
  const SceneBatch batch =
      world.sample_batch(options.seed + static_cast<uint64_t>(first), rows, Split::kJudge);
  const at::Tensor images =
      some_softened(batch.images, vae, derive_seed(options.seed, "softened from " + std::to_string(first)));
  const at::Tensor image_embeds = judge.vision.forward(as_input(clip_pixel_values(images), options.plan));
  const at::Tensor named =
      judge.attributes.loss(image_embeds, attribute_labels(world.catalogue(), batch.contents));
  TrainingStep step{named, {{"attributes", named.item<double>()}}};
  if (part != 0) return step;
  at::Tensor texts;
  {
    const at::NoGradGuard no_grad;
    texts =
        text_encoder.forward(caption_ids(tokenizer, text_encoder.config.eos_token_id, batch.captions)).pooled;
  }
  // At the temperature where CLIP begins: a higher factor would ask less and less of pairs that agree
  // already.
  const at::Tensor agreement =
      contrastive_loss(image_embeds, texts, at::full({1}, kFirstLogitScale, at::kFloat));
  // The loss is the mean over the parts.
  step.loss = step.loss + kAgreementWeight * static_cast<double>(options.parts) * agreement;
  step.metrics.push_back({"agreement", agreement.item<double>()});
  return step;
}

}  // namespace

void train_judge(const std::vector<JudgeInTraining*>& judges, const ClipTextModel& text_encoder,
                 const ClipTokenizer& tokenizer, const AutoencoderKL& vae, const World& world,
                 const JudgeTrainingOptions& options, ProgressSink& progress, const CancelToken& cancel) {
  std::vector<Replica> replicas;
  for (JudgeInTraining* judge : judges)
    replicas.push_back({{{"vision", &judge->vision}, {"attributes", &judge->attributes}},
                        [&, judge](int64_t iteration, int64_t part) {
                          return judge_step(*judge, text_encoder, tokenizer, vae, world, options, iteration,
                                            part);
                        }});
  train_stage(
      options.plan, replicas, options.parts, [](int64_t) {}, progress, cancel);
}

}  // namespace ziplora::mini
