// kohya-ss/sd-scripts networks/lora.py: flattened module names,
// "lora_unet_input_blocks_4_1_proj_in.lora_down.weight". UNet blocks are spelled as in sgm or as in
// diffusers, or both in one file: one parser reads them, two dialects write them. LyCORIS' stand-alone
// networks write "lycoris_" in place of "lora_unet_".
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/write_universal.h"

namespace ziplora {
namespace {

std::optional<ParsedKey> parse(const std::string& key, const TargetNames& names) {
  std::string flat = key;
  if (strip_prefix(flat, "lycoris_")) flat = "lora_unet_" + flat;
  if (!flat.starts_with("lora_unet_") && !flat.starts_with("lora_te")) return std::nullopt;
  const auto split = split_part(flat, /*flattened=*/flat.find('.') == flat.size() - 7);  // ".weight"
  if (!split) return std::nullopt;
  const TargetName* target = names.find_flattened(split->first);
  // transformers 5.6 removed this level from CLIPTextModel's module names, which trainers flatten.
  for (const std::string encoder : {"lora_te1_", "lora_te2_"})
    if (target == nullptr && split->first.starts_with(encoder))
      target = names.find_flattened(encoder + "text_model_" + split->first.substr(encoder.size()));
  const bool same_in_both = target && target->flattened_sgm() == target->flattened_diffusers();
  const bool sgm = target && target->flattened_sgm() == split->first;
  return ParsedKey{target, split->second, same_in_both ? "kohya" : sgm ? "kohya-sgm" : "kohya-diffusers"};
}

template <std::string (TargetName::*flattened)() const>
void write(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
           at::ScalarType dtype) {
  write_universal(path, adapter, names, dtype,
                  {[](const TargetName& target) { return (target.*flattened)(); }, ".lora_down.weight",
                   ".lora_up.weight"});
}

}  // namespace

const KeyDialect kKohyaDialect{"kohya", "lora_unet_input_blocks_4_1_….lora_down.weight: every UI and trainer",
                               parse, write<&TargetName::flattened_sgm>, /*takes_vectors=*/true};

const KeyDialect kKohyaDiffusersDialect{
    "kohya-diffusers",
    "lora_unet_down_blocks_1_attentions_0_….lora_down.weight: kohya's with diffusers' block names", parse,
    write<&TargetName::flattened_diffusers>, /*takes_vectors=*/true};

}  // namespace ziplora
