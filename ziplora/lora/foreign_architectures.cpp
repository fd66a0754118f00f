// What a file is that is not a LoRA for SDXL: which model it was made for, or what kind of model it is. The
// key names come from the models' own code, and from the flattened forms of the trainers.
#include <string_view>
#include <utility>

#include "ziplora/lora/foreign_files.h"

namespace ziplora {
namespace {

using Tensors = std::map<std::string, TensorInfo>;
using Sign = std::pair<const char*, const char*>;  // part of a key, its meaning

bool any_key(const Tensors& tensors, std::string_view part) {
  for (const auto& [key, info] : tensors)
    if (key.find(part) != std::string::npos) return true;
  return false;
}

/// The meaning of the first sign in the table that a key has. Specific signs stand before general ones.
template <size_t count>
std::string first_sign(const Tensors& tensors, const Sign (&signs)[count]) {
  for (const auto& [part, meaning] : signs)
    if (any_key(tensors, part)) return meaning;
  return "";
}

/// Whether the key is that of `down`, which has the width of the layer's input.
bool reads_input(const std::string& key) {
  return key.find("down.weight") != std::string::npos || key.find("lora_A") != std::string::npos;
}

/// Of the first layer whose key has one of these parts; 0 if there is none.
int64_t input_width(const Tensors& tensors, std::initializer_list<std::string_view> parts) {
  for (const auto& [key, info] : tensors)
    for (const std::string_view part : parts)
      if (key.find(part) != std::string::npos && reads_input(key) && info.shape.size() >= 2)
        return info.shape[1];
  return 0;
}

std::string by_key_names(const Tensors& tensors) {
  static constexpr Sign kSigns[] = {
      {"joint_transformer_blocks", "AuraFlow"},
      {"joint_blocks", "Stable Diffusion 3"},
      {"double_stream_blocks", "HiDream"},
      {"single_stream_blocks", "HiDream"},
      {"double_blocks", "Flux or a relative of it (HunyuanVideo, Chroma)"},
      {"single_blocks", "Flux or a relative of it (HunyuanVideo, Chroma)"},
      {"single_transformer_blocks", "Flux"},
      {"noise_refiner", "Z-Image or Lumina 2"},
      {"context_refiner", "Z-Image or Lumina 2"},
      {"img_mlp", "Qwen-Image"},
      {"txt_mlp", "Qwen-Image"},
      {"img_mod", "Qwen-Image"},
      {"txt_mod", "Qwen-Image"},
      {"Wqkv", "Hunyuan-DiT"},
      {"cross_attn.k.", "Wan"},
      {"cross_attn_k.", "Wan"},
      {"self_attn.q.", "Wan"},
      {"self_attn_q.", "Wan"},
      {"adaln_single", "PixArt or LTX-Video"},
      {"lora_prior_", "Stable Cascade"},
      {"lora_te3_", "Stable Diffusion 3"},
      {"motion_modules", "an AnimateDiff motion module"},
  };
  return first_sign(tensors, kSigns);
}

/// Several models share these names; the widths tell them apart.
std::string by_shared_names(const Tensors& tensors) {
  switch (input_width(tensors, {".attention.to_", ".attention.qkv", "_attention_to_", "_attention_qkv"})) {
    case 0:
      break;
    case 3840:
      return "Z-Image";
    case 2304:
      return "Lumina 2";
    default:
      return "Z-Image or Lumina 2";
  }
  if (any_key(tensors, "model.layers.") && any_key(tensors, ".self_attn.")) return "a language model";
  if (!any_key(tensors, "transformer.transformer_blocks") && !any_key(tensors, "lora_transformer_"))
    return "";
  const int64_t width = input_width(tensors, {"to_q", "to_k", "to_v"});
  return width == 1536 || width == 2432 ? "Stable Diffusion 3" : "Flux, Stable Diffusion 3 or Qwen-Image";
}

/// UNets share their names too; their cross-attention is as wide as the text encoder's output.
std::string by_cross_attention(const Tensors& tensors) {
  switch (const int64_t width = input_width(tensors, {"attn2_to_k", "attn2_to_v", "attn2.to_k", "attn2.to_v",
                                                      "attn2.processor.to_k", "attn2.processor.to_v"})) {
    case 0:
      return "";
    case 768:
      return "Stable Diffusion 1.5";
    case 1024:
      return "Stable Diffusion 2";
    case 1280:
      return "the SDXL refiner";
    case 2048:
      return kSdxlFamily;
    default:
      return "a model whose cross-attention is " + std::to_string(width) + " wide (SDXL: 2048)";
  }
}

}  // namespace

std::string guess_architecture(const Tensors& tensors) {
  for (const auto& guess : {by_key_names, by_shared_names, by_cross_attention})
    if (std::string found = guess(tensors); !found.empty()) return found;
  if (!any_key(tensors, "lora_te_")) return "";
  const int64_t width = input_width(tensors, {"lora_te_"});
  return width == 768    ? "Stable Diffusion 1.5"
         : width == 1024 ? "Stable Diffusion 2"
                         : "Stable Diffusion 1.5 or 2";
}

std::string guess_model(const Tensors& tensors) {
  static constexpr Sign kSigns[] = {
      {"control_model.", "a ControlNet"},
      {"controlnet_cond_embedding.", "a ControlNet"},
      {"lora_controlnet", "a Control-LoRA"},
      {"ip_adapter.", "an IP-Adapter"},
      {"adapter.body.", "a T2I-Adapter"},
      {"motion_modules", "an AnimateDiff motion module"},
      {"conditioner.embedders.", "a whole SDXL checkpoint"},
      {"cond_stage_model.", "a whole Stable Diffusion 1 or 2 checkpoint"},
      {"model.diffusion_model.", "a checkpoint, or the UNet of one"},
      {"first_stage_model.", "the VAE of a checkpoint"},
      {"down_blocks.0.resnets.0.", "a diffusers UNet"},
      {"decoder.conv_in.weight", "a VAE"},
      {"text_model.encoder.layers.0.", "a text encoder"},
      {"transformer.resblocks.0.", "a text encoder"},
      {"model.layers.0.", "a language model"},
      {"emb_params", "a textual inversion"},
      {"string_to_param", "a textual inversion"},
      {"clip_l", "a textual inversion"},
  };
  return first_sign(tensors, kSigns);
}

}  // namespace ziplora
