#include "mini/pretrain/contrastive_training.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <random>
#include <vector>

#include "mini/judge/image_judge.h"
#include "mini/pretrain/caption_ids.h"
#include "mini/pretrain/contrastive_loss.h"
#include "mini/pretrain/unet_training.h"
#include "mini/pretrain/world_batches.h"
#include "ziplora/base/rng.h"
#include "ziplora/nn/initialization.h"
#include "ziplora/nn/linear.h"

namespace ziplora::mini {
namespace {

constexpr int64_t kImagesAtOnce = 64;

/// What contrastive training needs besides the encoders.
class ContrastiveHead : public Module {
 public:
  ContrastiveHead(int64_t hidden_size, int64_t projection_dim)
      : text_projection(hidden_size, projection_dim, /*with_bias=*/false) {
    register_module("text_projection", text_projection);
    register_parameter("logit_scale", logit_scale, {1});
  }
  void reset_parameters(at::Generator) override { fill_constant(logit_scale, {1}, kFirstLogitScale); }

  Linear text_projection;
  at::Tensor logit_scale;
};

}  // namespace

void train_contrastive(ClipTextModel& text_encoder, ClipTextModel& text_encoder_2, ClipVisionModel& vision,
                       AttributeHeads& attributes, const ClipTokenizer& tokenizer, const World& world,
                       const ContrastiveTrainingOptions& options, ProgressSink& progress,
                       const CancelToken& cancel) {
  ContrastiveHead head(text_encoder.config.hidden_size, vision.config.projection_dim);
  initialize(head, make_generator(derive_seed(options.seed, "contrastive head")));
  WorldBatches batches(world, options.batch_size, options.seed);
  auto step = [&](int64_t iteration) {
    std::mt19937_64 random(derive_seed(options.seed, "contrastive step " + std::to_string(iteration)));
    SceneBatch batch = batches.at(iteration);
    for (std::string& caption : batch.captions)
      if (random() % 8 == 0) caption = with_nonsense_word(caption, random());
    const at::Tensor image_embeds = vision.forward(as_input(clip_pixel_values(batch.images), options.plan));
    const at::Tensor ids = caption_ids(tokenizer, text_encoder_2.config.eos_token_id, batch.captions);
    const at::Tensor texts = head.text_projection.forward(text_encoder.forward(ids).pooled);
    const at::Tensor texts_2 = text_encoder_2.forward(ids).pooled;
    const at::Tensor loss_1 = contrastive_loss(image_embeds, texts, head.logit_scale);
    const at::Tensor loss_2 = contrastive_loss(image_embeds, texts_2, head.logit_scale);
    const AttributeLabels labels = attribute_labels(world.catalogue(), batch.contents);
    const at::Tensor named = attributes.loss(image_embeds, labels) + attributes.loss(texts, labels) +
                             attributes.loss(texts_2, labels);
    return TrainingStep{loss_1 + loss_2 + named,
                        {{"loss_1", loss_1.item<double>()},
                         {"loss_2", loss_2.item<double>()},
                         {"attributes", named.item<double>()}}};
  };
  train_stage(
      options.plan,
      {{"text_encoder", &text_encoder},
       {"text_encoder_2", &text_encoder_2},
       {"vision", &vision},
       {"attributes", &attributes},
       {"head", &head}},
      step, [](int64_t) {}, progress, cancel);
}

std::map<std::string, double> image_accuracy(const ClipVisionModel& vision, const AttributeHeads& attributes,
                                             const World& world, int64_t scenes) {
  const at::NoGradGuard no_grad;
  const SceneBatch batch = world.sample_batch(0, scenes, Split::kValidation);
  std::vector<at::Tensor> embeds;  // a thousand images at once take gigabytes, and half as long again
  for (const at::Tensor& images : batch.images.split(kImagesAtOnce))
    embeds.push_back(vision.forward(clip_pixel_values(images)));
  return attribute_accuracy(attributes.logits(at::cat(embeds)),
                            attribute_labels(world.catalogue(), batch.contents));
}

double nearest_caption_accuracy(const ClipTextModel& text_encoder_2, const ClipVisionModel& vision,
                                const ClipTokenizer& tokenizer, const World& world, int64_t candidates) {
  const at::NoGradGuard no_grad;
  const SceneBatch batch = world.sample_batch(0, candidates, Split::kValidation);
  return own_caption_nearest(
      vision.forward(clip_pixel_values(batch.images)),
      text_encoder_2.forward(caption_ids(tokenizer, text_encoder_2.config.eos_token_id, batch.captions))
          .pooled,
      batch.captions);
}

}  // namespace ziplora::mini
