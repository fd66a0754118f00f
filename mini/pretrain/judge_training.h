#pragma once
/// Goes on training the image encoder of the contrastive stage and its attribute heads, while the text
/// encoders stay as they are: telling hundreds of subjects apart takes many more scenes than understanding
/// captions, and what the UNet reads must not move. (LiT, arXiv 2111.07991, with the roles exchanged.)
///
/// The images are the artists' alone, never a UNet's. They include the pairs that the base never sees: a
/// judge that does not know the artist's drawing cannot say whether it was matched. Some images have passed
/// through the base's autoencoder, with a little noise on their latents, as every image of the base has: a
/// judge that relies on what is lost there would take a soft drawing for another artist's.

#include <vector>

#include "mini/judge/attribute_heads.h"
#include "mini/pretrain/training_loop.h"
#include "mini/world/world.h"
#include "ziplora/models/autoencoder_kl.h"
#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/clip_tokenizer.h"
#include "ziplora/models/clip_vision_model.h"

namespace ziplora::mini {

struct JudgeTrainingOptions {
  TrainingPlan plan;
  int64_t batch_size = 128;
  int64_t parts = 4;  ///< that a batch is computed in, by one thread per judge; divides the batch
  uint64_t seed = 0;
};

struct JudgeInTraining {
  JudgeInTraining(const ClipVisionConfig& config, const Catalogue& catalogue)
      : vision(config), attributes(catalogue, config.projection_dim) {}
  ClipVisionModel vision;
  AttributeHeads attributes;
};

/// @param judges        at least one, all equal; the first is trained, each other one serves another thread
/// @param text_encoder  SDXL's second, with its tokenizer: gives the captions' embeddings; not trained
/// @param vae           the base's; not trained
/// @throws as train_stage
void train_judge(const std::vector<JudgeInTraining*>& judges, const ClipTextModel& text_encoder,
                 const ClipTokenizer& tokenizer, const AutoencoderKL& vae, const World& world,
                 const JudgeTrainingOptions& options, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora::mini
