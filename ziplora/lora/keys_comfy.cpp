// ComfyUI's native names (comfy/lora.py): "diffusion_model.input_blocks.4.1.proj_in.lora_A.weight" in sgm
// names, "text_encoders.clip_l.transformer.text_model.….lora_up.weight". Read only: kohya's form is taken
// everywhere.
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {
namespace {

std::optional<ParsedKey> parse(const std::string& key, const TargetNames& names) {
  const auto split = split_part(key);
  if (!split) return std::nullopt;
  std::string module = split->first;
  if (strip_prefix(module, "diffusion_model."))
    return ParsedKey{names.find_sgm(module), split->second, "comfy"};
  if (strip_prefix(module, "text_encoders.clip_l.transformer."))
    return ParsedKey{names.find("text_encoder." + module), split->second, "comfy"};
  if (strip_prefix(module, "text_encoders.clip_g.transformer."))
    return ParsedKey{names.find("text_encoder_2." + module), split->second, "comfy"};
  return std::nullopt;
}

}  // namespace

const KeyDialect kComfyDialect{
    "comfy", "diffusion_model.input_blocks.4.1.….lora_A.weight: ComfyUI (read only)", parse, nullptr};

}  // namespace ziplora
