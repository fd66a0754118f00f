#pragma once
/// The layers and norms that an adapter can change, under every name that LoRA files give them: a fixed
/// table, built from an architecture. A "_" in flattened names is ambiguous (to_out_0, time_emb_proj), so
/// names are looked up, never guessed.
///
///     const TargetNames& names = TargetNames::sdxl();
///     names.find_flattened("lora_unet_input_blocks_4_1_proj_in")->canonical;
///     // "unet.down_blocks.1.attentions.0.proj_in"
///
/// Embeddings are left out. The second encoder's text_projection has diffusers' orientation, as in all LoRA
/// files, whatever the base's: diffusers, ComfyUI, Forge and InvokeAI agree.
///
/// Sources: for sgm names Stability-AI/generative-models configs/inference/sd_xl_base.yaml, as
/// huggingface/diffusers loaders/single_file_utils.py maps them; for flattened names kohya-ss/sd-scripts
/// networks/lora.py.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/unet_2d_condition.h"

namespace ziplora {

enum class TargetKind { kAttention, kFeedForward, kProjection, kResnet, kSampler, kOther, kNorm };
const char* name_of(TargetKind kind);

struct TargetName {
  std::string canonical;       ///< component + diffusers path: "unet.mid_block.attentions.0.proj_in"
  std::string component;       ///< "unet", "text_encoder", "text_encoder_2"
  std::string diffusers_path;  ///< without the component
  std::string sgm_path;        ///< "middle_block.1.proj_in"; text encoders: as diffusers_path
  TargetKind kind;
  std::vector<int64_t> weight_shape;  ///< of the base: [out, in] or [out, in, kh, kw]; of norms [n]
  bool has_bias = true;

  bool is_convolution() const { return weight_shape.size() == 4; }
  /// Of ΔW as a matrix [out, in·kh·kw].
  int64_t columns() const;
  /// A norm has no factors: adapters add vectors to its weight and bias.
  bool is_norm() const { return kind == TargetKind::kNorm; }
  /// "lora_unet_middle_block_1_proj_in", which every kohya-compatible loader reads.
  std::string flattened_sgm() const;
  /// "lora_unet_mid_block_attentions_0_proj_in".
  std::string flattened_diffusers() const;
};

class TargetNames {
 public:
  TargetNames(const UNet2DConditionConfig& unet, const ClipTextConfig& text_encoder,
              const ClipTextConfig& text_encoder_2);
  /// Of Stable Diffusion XL base 1.0.
  static const TargetNames& sdxl();

  /// The layers, without norms, in order of component and module tree.
  const std::vector<TargetName>& targets() const { return targets_; }
  const std::vector<TargetName>& norms() const { return norms_; }
  // These find layers and norms.
  const TargetName* find(std::string_view canonical) const;
  /// @param name  "lora_unet_…", "lora_te1_…", "lora_te2_…", in sgm or diffusers block names
  const TargetName* find_flattened(std::string_view name) const;
  /// @param path  below "diffusion_model.": "input_blocks.4.1.proj_in"
  const TargetName* find_sgm(std::string_view path) const;
  /// Whether the layers are those of SDXL base 1.0, and not of a relative such as the miniature.
  bool has_sdxl_sizes() const;

  const UNet2DConditionConfig unet;
  const ClipTextConfig text_encoder, text_encoder_2;

 private:
  /// An index and not a pointer, so that a copy refers to its own names.
  struct Place {
    bool among_norms;
    size_t index;
  };
  using Places = std::unordered_map<std::string, Place>;
  void add(TargetName target);
  const TargetName* look_up(const Places& places, std::string_view name) const;
  std::vector<TargetName> targets_, norms_;
  Places by_canonical_, by_flattened_, by_sgm_;
};

}  // namespace ziplora
