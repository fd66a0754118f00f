#include "ziplora/lora/foreign_files.h"

#include <utility>

namespace ziplora {

std::optional<std::string> unsupported_family(const std::string& key) {
  static const std::pair<const char*, const char*> kFamilies[] = {
      {".hada_", "LoHa (LyCORIS)"},
      {".lokr_", "LoKr (LyCORIS)"},
      {".lora_mid.weight", "LoCon with a Tucker core (lora_mid)"},
      {".dora_scale", "DoRA (dora_scale)"},
      {".lora_magnitude_vector", "DoRA (lora_magnitude_vector)"},
      {".oft_", "OFT"},
      {".boft_", "BOFT"},
      {".on_input", "IA3"},
      {".a1.weight", "GLoRA"},
      {".b1.weight", "GLoRA"},
      {".diff", "full difference (diff, diff_b)"},
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

std::string guess_architecture(const std::map<std::string, TensorInfo>& tensors) {
  const auto any_key = [&](const char* part) {
    for (const auto& [key, info] : tensors)
      if (key.find(part) != std::string::npos) return true;
    return false;
  };
  // Other key families first, then the width that cross-attention reads.
  if (any_key("joint_blocks")) return "Stable Diffusion 3";
  if (any_key("double_blocks") || any_key("single_blocks") || any_key("single_transformer_blocks"))
    return "Flux";
  if (any_key("transformer.transformer_blocks") || any_key("lora_transformer_"))
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
  if (any_key("lora_te_")) return "Stable Diffusion 1.5 or 2";
  return "";
}

}  // namespace ziplora
