// OneTrainer's OMI names of 2025 (Open Model Initiative, omi_model_standards): sgm's own names with the component
// in front,
//
//     unet.input_blocks.4.1.transformer_blocks.0.attn2.to_k.lora_down.weight
//     clip_l.text_model.encoder.layers.0.mlp.fc1.lora_up.weight      the first encoder
//     clip_g.text_projection.alpha                                   the second
//
// with ".alpha" and ".dora_scale" beside them. They can only be read: no UI knows them (Nerogar/OneTrainer#885).
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/key_dialects.h"

namespace ziplora {
namespace {

std::optional<ParsedKey> parse(const std::string& key, const TargetNames& names) {
  const auto split = split_part(key);
  if (!split) return std::nullopt;
  std::string module = split->first;
  if (strip_prefix(module, "unet.")) {
    const TargetName* target = names.find_sgm(module);
    // "unet." is diffusers' prefix too; what is unknown to sgm is its to judge.
    if (target == nullptr) return std::nullopt;
    return ParsedKey{target, split->second, "omi"};
  }
  for (const auto& [prefix, component] :
       {std::pair{"clip_l.", "text_encoder."}, {"clip_g.", "text_encoder_2."}})
    if (strip_prefix(module, prefix)) return ParsedKey{names.find(component + module), split->second, "omi"};
  return std::nullopt;
}

}  // namespace

const KeyDialect kOmiDialect{
    "omi", "unet.input_blocks.4.1.….lora_down.weight, clip_l.…: OneTrainer's OMI names (read only)", parse,
    nullptr};

}  // namespace ziplora
