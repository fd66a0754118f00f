#include "ziplora/pretrain/judge_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include "ziplora/judge/picture_judge.h"
#include "ziplora/pretrain/caption_ids.h"
#include "ziplora/pretrain/contrastive_loss.h"

namespace ziplora {
namespace {

/// Recognising is what a judge is for; to agree with captions it has learned before, and must only not
/// forget.
constexpr double kAgreementWeight = 1.0 / 12;

/// One part of a batch. Captions cost as much as pictures, so the first part alone is held against its own.
TrainingStep judge_step(const JudgeInTraining& judge, const ClipTextModel& text_encoder,
                        const ClipTokenizer& tokenizer, const World& world,
                        const JudgeTrainingOptions& options, int64_t iteration, int64_t part) {
  const int64_t rows = options.batch_size / options.parts;
  const int64_t first = (iteration * options.parts + part) * rows;
  const SceneBatch batch =
      world.sample_batch(options.seed + static_cast<uint64_t>(first), rows, Split::kTrain);
  const at::Tensor pictures = judge.vision.forward(as_input(clip_pixel_values(batch.images), options.plan));
  const at::Tensor named =
      judge.attributes.loss(pictures, attribute_labels(world.catalogue(), batch.contents));
  TrainingStep step{named, {{"attributes", named.item<double>()}}};
  if (part != 0) return step;
  at::Tensor texts;
  {
    const at::NoGradGuard no_grad;
    texts =
        text_encoder.forward(caption_ids(tokenizer, text_encoder.config.eos_token_id, batch.captions)).pooled;
  }
  // At CLIP's first temperature: a higher one would ask for less and less of pairs that agree already.
  const at::Tensor agreement = contrastive_loss(pictures, texts, at::full({1}, kFirstLogitScale, at::kFloat));
  // The loss is the mean over the parts.
  step.loss = step.loss + kAgreementWeight * static_cast<double>(options.parts) * agreement;
  step.metrics.push_back({"agreement", agreement.item<double>()});
  return step;
}

}  // namespace

void train_judge(const std::vector<JudgeInTraining*>& judges, const ClipTextModel& text_encoder,
                 const ClipTokenizer& tokenizer, const World& world, const JudgeTrainingOptions& options,
                 ProgressSink& progress, const CancelToken& cancel) {
  std::vector<Replica> replicas;
  for (JudgeInTraining* judge : judges)
    replicas.push_back({{{"vision", &judge->vision}, {"attributes", &judge->attributes}},
                        [&, judge](int64_t iteration, int64_t part) {
                          return judge_step(*judge, text_encoder, tokenizer, world, options, iteration, part);
                        }});
  train_stage(
      options.plan, replicas, options.parts, [](int64_t) {}, progress, cancel);
}

}  // namespace ziplora
