#include "ziplora/lora/foreign_files.h"

#include <string_view>
#include <utility>

namespace ziplora {

std::optional<std::string> unsupported_family(const std::string& key) {
  static const std::pair<const char*, const char*> kFamilies[] = {
      {".dora_scale", "DoRA (dora_scale)"},
      {".lora_magnitude_vector", "DoRA (lora_magnitude_vector)"},
      {".oft_", "OFT"},
      {".boft_", "BOFT"},
      {".on_input", "IA3"},
      {".a1.weight", "GLoRA"},
      {".b1.weight", "GLoRA"},
      {".diff_b", "trained biases (diff_b)"},
      {".w_norm", "trained norms (w_norm, b_norm)"},
      {".b_norm", "trained norms (w_norm, b_norm)"},
      {".set_weight", "set_weight patch (ComfyUI)"},
      {".reshape_weight", "reshape_weight patch (ComfyUI)"},
      {".lora_bias", "LoRA with a bias (lora_bias)"},
  };
  for (const auto& [part, family] : kFamilies)
    if (key.find(part) != std::string::npos) return family;
  return std::nullopt;
}

namespace {

bool any_key(const std::map<std::string, TensorInfo>& tensors, std::string_view part) {
  for (const auto& [key, info] : tensors)
    if (key.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

std::string guess_model(const std::map<std::string, TensorInfo>& tensors) {
  static const std::pair<const char*, const char*> kSigns[] = {
      {"control_model.", "a ControlNet"},
      {"controlnet_cond_embedding.", "a ControlNet"},
      {"conditioner.embedders.", "a whole SDXL checkpoint"},
      {"cond_stage_model.", "a whole Stable Diffusion 1 or 2 checkpoint"},
      {"model.diffusion_model.", "a checkpoint, or the UNet of one"},
      {"first_stage_model.", "the VAE of a checkpoint"},
      {"down_blocks.0.resnets.0.", "a diffusers UNet"},
      {"decoder.conv_in.weight", "a VAE"},
      {"text_model.encoder.layers.0.", "a text encoder"},
      {"emb_params", "a textual inversion"},
      {"string_to_param", "a textual inversion"},
      {"clip_l", "a textual inversion"},
      {"ip_adapter.", "an IP-Adapter"},
  };
  for (const auto& [part, model] : kSigns)
    if (any_key(tensors, part)) return model;
  return "";
}

std::string guess_architecture(const std::map<std::string, TensorInfo>& tensors) {
  // Other key families first, then the width that cross-attention reads.
  if (any_key(tensors, "joint_blocks")) return "Stable Diffusion 3";
  if (any_key(tensors, "double_blocks") || any_key(tensors, "single_blocks") ||
      any_key(tensors, "single_transformer_blocks"))
    return "Flux";
  if (any_key(tensors, "transformer.transformer_blocks") || any_key(tensors, "lora_transformer_"))
    return "Flux or Stable Diffusion 3";
  for (const auto& [key, info] : tensors) {
    const bool reads_text =
        (key.find("attn2_to_k") != std::string::npos || key.find("attn2_to_v") != std::string::npos ||
         key.find("attn2.to_k") != std::string::npos || key.find("attn2.to_v") != std::string::npos ||
         key.find("attn2.processor.to_k") != std::string::npos);
    const bool down = key.find("down.weight") != std::string::npos || key.find("lora_A") != std::string::npos;
    if (!reads_text || !down || info.shape.size() < 2) continue;
    if (info.shape[1] == 768) return "Stable Diffusion 1.5";
    if (info.shape[1] == 1024) return "Stable Diffusion 2";
    if (info.shape[1] == 1280) return "the SDXL refiner";
    if (info.shape[1] == 2048) return "SDXL or a relative of it (SSD-1B, Segmind-Vega, KOALA)";
    return "a model whose cross-attention is " + std::to_string(info.shape[1]) + " wide (SDXL: 2048)";
  }
  if (any_key(tensors, "lora_te_")) return "Stable Diffusion 1.5 or 2";
  return "";
}

}  // namespace ziplora
