#pragma once
/// Trains both text encoders and an image encoder so that a scene and its caption agree (contrastive_loss.h):
/// one term for each text encoder against the image encoder, and one for the scene's labels
/// (judge/attribute_heads.h). SDXL's first text encoder has no projection; for training it gets one that is
/// thrown away.

#include "mini/judge/attribute_heads.h"
#include "mini/pretrain/training_loop.h"
#include "mini/world/world.h"
#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/clip_tokenizer.h"
#include "ziplora/models/clip_vision_model.h"

namespace ziplora::mini {

struct ContrastiveTrainingOptions {
  TrainingPlan plan;
  int64_t batch_size = 128;
  uint64_t seed = 0;
};

void train_contrastive(ClipTextModel& text_encoder, ClipTextModel& text_encoder_2, ClipVisionModel& vision,
                       AttributeHeads& attributes, const ClipTokenizer& tokenizer, const World& world,
                       const ContrastiveTrainingOptions& options, ProgressSink& progress,
                       const CancelToken& cancel);

/// By attribute, the share of unseen images in which the image encoder recognises it.
std::map<std::string, double> image_accuracy(const ClipVisionModel& vision, const AttributeHeads& attributes,
                                             const World& world, int64_t scenes);

/// The share of `candidates` unseen scenes whose own caption is the nearest to the image.
double nearest_caption_accuracy(const ClipTextModel& text_encoder_2, const ClipVisionModel& vision,
                                const ClipTokenizer& tokenizer, const World& world, int64_t candidates);

}  // namespace ziplora::mini
