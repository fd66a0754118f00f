// kohya-ss/sd-scripts networks/lora.py: "lora_unet_input_blocks_4_1_proj_in.lora_down.weight", flattened
// module names. UNet blocks are spelled as in sgm or as in diffusers, or both in one file. LyCORIS'
// stand-alone networks say "lycoris_" for "lora_unet_".
#include <ATen/ops/full.h>

#include "ziplora/io/hashed_safetensors.h"
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/lora_metadata.h"
#include "ziplora/lora/universal_form.h"
#include "ziplora/lora/vector_deltas.h"

namespace ziplora {
namespace {

std::optional<ParsedKey> parse(const std::string& key, const TargetNames& names) {
  std::string flat = key;
  if (strip_prefix(flat, "lycoris_")) flat = "lora_unet_" + flat;
  if (!flat.starts_with("lora_unet_") && !flat.starts_with("lora_te")) return std::nullopt;
  const auto split = split_part(flat, /*flattened=*/flat.find('.') == flat.size() - 7);  // ".weight"
  if (!split) return std::nullopt;
  const TargetName* target = names.find_flattened(split->first);
  // transformers 5.6 took this level out of CLIPTextModel's module names, which trainers flatten.
  for (const std::string encoder : {"lora_te1_", "lora_te2_"})
    if (target == nullptr && split->first.starts_with(encoder))
      target = names.find_flattened(encoder + "text_model_" + split->first.substr(encoder.size()));
  const bool same_in_both = target && target->flattened_sgm() == target->flattened_diffusers();
  const bool sgm = target && target->flattened_sgm() == split->first;
  return ParsedKey{target, split->second, same_in_both ? "kohya" : sgm ? "kohya-sgm" : "kohya-diffusers"};
}

void write(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
           at::ScalarType dtype) {
  const Adapter uniform = universal_form(adapter, names);
  NamedTensors tensors;
  for (const auto& [canonical, layer] : uniform.layers) {
    const std::string module = names.find(canonical)->flattened_sgm();
    tensors[module + ".lora_down.weight"] = to_storage(layer.down, dtype, canonical);
    tensors[module + ".lora_up.weight"] = to_storage(layer.up, dtype, canonical);
    tensors[module + ".alpha"] = at::full({}, *layer.lora_alpha, at::kFloat);
  }
  for (const auto& [parameter, delta] : adapter.vector_deltas) {
    const auto [target, suffix] = vector_suffix_of(parameter, names);
    tensors[target->flattened_sgm() + suffix] = to_storage(delta, dtype, parameter);
  }
  write_hashed_safetensors(path, tensors, [&](const std::string& sha256) {
    return kohya_metadata(uniform, tensors, names, path.stem().string(), sha256);
  });
}

}  // namespace

const KeyDialect kKohyaDialect{"kohya", "lora_unet_input_blocks_4_1_….lora_down.weight: every UI and trainer",
                               parse, write, /*takes_vectors=*/true};

}  // namespace ziplora
