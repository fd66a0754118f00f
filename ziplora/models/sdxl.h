#pragma once
/// A whole SDXL base in memory: two tokenizers, two text encoders, UNet, autoencoder and the scheduler's
/// config, from a diffusers folder (sharded and `.fp16` variants too) or a single-file checkpoint (sgm
/// names).
///
///     std::unique_ptr<Sdxl> base = load_sdxl("assets/mini", {}, progress);
///     PromptEmbeddings cond = base->encode_prompt({"a ghost at night"}, progress);
///
/// Weights stay memory-mapped where no conversion is asked for. Loading is strict: tensors that are missing,
/// left over or of another shape are an error that names them.

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <filesystem>
#include <map>
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
  at::ScalarType dtype =
      at::kFloat;  ///< of UNet and text encoders; the autoencoder stays float32 if force_upcast
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
  /// Image sides are multiples of this many pixels: what one cell of the UNet's innermost block covers.
  int64_t image_size_step() const;
  /// @param where  the operation and what gave the size, for example "train: --resolution"
  /// @throws Error(kUsage) with a size that works in its hint, if the base cannot draw images of this size
  void check_image_size(int64_t height, int64_t width, const std::string& where) const;

  /// The parts that adapters change, by name: "unet", "text_encoder", "text_encoder_2".
  std::map<std::string, Module*> components();
};

/// @throws Error(kInput) for missing files and tensors, Error(kIncompatible) for another architecture (says
/// which)
std::unique_ptr<Sdxl> load_sdxl(const std::filesystem::path& folder_or_file, const DevicePolicy& policy,
                                ProgressSink& progress);

}  // namespace ziplora
