#pragma once
/// The numbers of the miniature: SDXL's architecture (two text encoders of unlike widths, text_time
/// conditioning, cross-attention UNet without attention in its first block, KL autoencoder) at a size that
/// two cores can train. The topology is SDXL's, so every LoRA name of the miniature is also a name of SDXL.

#include <filesystem>

#include "mini/pretrain/vocabulary.h"
#include "ziplora/models/autoencoder_kl.h"
#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/clip_vision_model.h"
#include "ziplora/models/unet_2d_condition.h"

namespace ziplora::mini {

inline constexpr int64_t kImageSize = 64;       ///< pixels
inline constexpr int64_t kMaxTokens = 32;       ///< positions of both text encoders
inline constexpr int64_t kProjectionDim = 128;  ///< of the space that texts and images share

AutoencoderKLConfig autoencoder_config();
ClipTextConfig text_encoder_config(const Vocabulary& vocabulary);    ///< quick_gelu, no projection
ClipTextConfig text_encoder_2_config(const Vocabulary& vocabulary);  ///< gelu, with projection
ClipVisionConfig vision_config();
UNet2DConditionConfig unet_config();

/// Writes the parts of a diffusers folder that no training writes: model_index.json, scheduler_config.json
/// and training_defaults.json. Files that are there already stay as they are.
void write_pipeline_files(const std::filesystem::path& folder);

}  // namespace ziplora::mini
