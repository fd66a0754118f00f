#include "ziplora/pretrain/judge_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include "ziplora/base/progress.h"
#include "ziplora/judge/picture_judge.h"
#include "ziplora/pretrain/contrastive_loss.h"

namespace ziplora {
namespace {

/// Recognising is what a judge is for; to agree with captions it has learned before, and must only not
/// forget.
constexpr double kAttributeWeight = 3.0;

/// @return the cross entropy of pictures and captions
at::Tensor agreement_with(const std::vector<std::string>& captions, const at::Tensor& pictures,
                          const Sdxl& base) {
  at::Tensor texts;
  {
    const at::NoGradGuard no_grad;
    NullProgress quiet;  // of long captions, which are cut as everywhere
    texts = base.encode_prompt(captions, quiet).pooled_prompt_embeds;
  }
  return contrastive_loss(pictures, texts, at::full({1}, kFirstLogitScale, at::kFloat));
}

TrainingStep judge_step(const JudgeInTraining& judge, const Sdxl& base, const World& world,
                        const JudgeTrainingOptions& options, int64_t iteration, int64_t part) {
  const int64_t rows = options.batch_size / options.parts;
  const int64_t first = (iteration * options.parts + part) * rows;
  const SceneBatch batch =
      world.sample_batch(options.seed + static_cast<uint64_t>(first), rows, Split::kTrain);
  const at::Tensor pictures = judge.vision.forward(as_input(clip_pixel_values(batch.images), options.plan));
  const at::Tensor named =
      judge.attributes.loss(pictures, attribute_labels(world.catalogue(), batch.contents));
  TrainingStep step{kAttributeWeight * named, {{"attributes", named.item<double>()}}};
  if (part != 0) return step;  // captions cost as much as pictures
  const at::Tensor agreement = agreement_with(batch.captions, pictures, base);
  step.loss = step.loss + agreement;
  step.metrics.push_back({"agreement", agreement.item<double>()});
  return step;
}

}  // namespace

void train_judge(const std::vector<JudgeInTraining*>& judges, const Sdxl& base, const World& world,
                 const JudgeTrainingOptions& options, ProgressSink& progress, const CancelToken& cancel) {
  std::vector<Replica> replicas;
  for (JudgeInTraining* judge : judges)
    replicas.push_back({{{"vision", &judge->vision}, {"attributes", &judge->attributes}},
                        [&, judge](int64_t iteration, int64_t part) {
                          return judge_step(*judge, base, world, options, iteration, part);
                        }});
  train_stage(
      options.plan, replicas, options.parts, [](int64_t) {}, progress, cancel);
}

}  // namespace ziplora
