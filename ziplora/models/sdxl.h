#pragma once
/// A whole SDXL base in memory: two tokenizers, two text encoders, UNet, autoencoder and the scheduler's
/// config, from a diffusers folder (also sharded, also `.fp16`) or a single file (sgm names).
///
///     std::unique_ptr<Sdxl> base = load_sdxl("assets/mini", {}, progress);
///     PromptEmbeddings cond = base->encode_prompt({"a ghost at night"}, progress);
///
/// Weights stay memory-mapped unless they have to be converted. Loading is strict: a tensor that is missing,
/// left over or of another shape is an error that names it.

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ziplora/base/progress.h"
#include "ziplora/models/autoencoder_kl.h"
#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/clip_tokenizer.h"
#include "ziplora/models/unet_2d_condition.h"

namespace ziplora {

struct DevicePolicy {
  at::Device device = at::kCPU;
  /// Of UNet and text encoders. The autoencoder stays float32 if its config says force_upcast.
  at::ScalarType dtype = at::kFloat;
};

struct PromptEmbeddings {
  at::Tensor prompt_embeds;         ///< [B, 77, hidden_1 + hidden_2], penultimate layers side by side
  at::Tensor pooled_prompt_embeds;  ///< [B, projection_dim], of the second encoder
};

struct Sdxl {
  std::filesystem::path path;  ///< where it came from
  ClipTokenizer tokenizer, tokenizer_2;
  ClipTextModel text_encoder, text_encoder_2;
  UNet2DConditionModel unet;
  AutoencoderKL vae;
  nlohmann::json scheduler_config;           ///< scheduler/scheduler_config.json
  bool force_zeros_for_empty_prompt = true;  ///< model_index.json
  DevicePolicy policy;

  /// @param progress  is warned when a prompt is longer than the encoders take
  PromptEmbeddings encode_prompt(const std::vector<std::string>& prompts, ProgressSink& progress) const;

  /// The side in pixels the base was trained at: unet.sample_size × autoencoder downsampling.
  int64_t default_image_size() const;
};

/// @throws Error(kInput) for missing files and tensors, Error(kIncompatible) for another architecture, which
///         it names
std::unique_ptr<Sdxl> load_sdxl(const std::filesystem::path& folder_or_file, const DevicePolicy& policy,
                                ProgressSink& progress);

}  // namespace ziplora
