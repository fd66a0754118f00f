// huggingface/diffusers, three generations:
//
//     unet.….attn1.to_q.lora_A.weight                 today's
//     unet.….attn1.to_q.lora.down.weight              the middle one, also
//     ….q_proj.lora_linear_layer.up.weight
//     unet.….attn1.processor.to_q_lora.down.weight    the oldest
#include <nlohmann/json.hpp>

#include "ziplora/io/hashed_safetensors.h"
#include "ziplora/lora/delta_kind.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/lora_metadata.h"
#include "ziplora/lora/peft_config.h"
#include "ziplora/lora/universal_form.h"

namespace ziplora {
namespace {

/// PEFT's raw state dicts hold the adapter's name: "….lora_A.default.weight".
std::string without_adapter_name(const std::string& key) {
  constexpr std::string_view kMagnitude = ".lora_magnitude_vector.";
  if (const size_t at = key.find(kMagnitude); at != std::string::npos)
    return key.substr(0, at + kMagnitude.size() - 1);
  for (const char* factor : {".lora_A.", ".lora_B."}) {
    const size_t at = key.find(factor);
    if (at != std::string::npos && key.ends_with(".weight") && at + 8 < key.size() - 6)
      return key.substr(0, at + 7) + ".weight";
  }
  return key;
}

void replace(std::string& text, std::string_view what, std::string_view with) {
  if (const size_t at = text.find(what); at != std::string::npos) text.replace(at, what.size(), with);
}

/// A module name of an older generation, as it is spelled today.
std::string modern_path(std::string path, bool text_encoder) {
  replace(path, ".processor.", ".");
  if (!text_encoder) return path.ends_with(".to_out") ? path + ".0" : path;
  for (const auto& [old_leaf, leaf] : {std::pair{"self_attn.to_q", "self_attn.q_proj"},
                                       {"self_attn.to_k", "self_attn.k_proj"},
                                       {"self_attn.to_v", "self_attn.v_proj"},
                                       {"self_attn.to_out", "self_attn.out_proj"}})
    if (path.ends_with(old_leaf)) replace(path, old_leaf, leaf);
  // transformers ≥ 5.6 leaves this level out. The projection never had it.
  return path.starts_with("text_model.") || path == "text_projection" ? path : "text_model." + path;
}

/// "….to_q_lora.down.weight", where "_" joins the module and its factor.
std::optional<std::pair<std::string, std::string>> split_oldest(const std::string& key) {
  for (const PartSuffix& suffix :
       {PartSuffix{"_lora.down.weight", "down"}, PartSuffix{"_lora.up.weight", "up"},
        PartSuffix{"_lora.alpha", kAlphaPart}})
    if (key.ends_with(suffix.suffix))
      return std::pair<std::string, std::string>{key.substr(0, key.size() - suffix.suffix.size()),
                                                 suffix.part};
  return std::nullopt;
}

std::optional<ParsedKey> parse(const std::string& key, const TargetNames& names) {
  const std::string plain = without_adapter_name(key);
  auto split = split_oldest(plain);
  const bool oldest = split.has_value();
  if (!split) split = split_part(plain);
  if (!split) return std::nullopt;
  std::string path = split->first, component = "unet";
  for (const char* candidate : {"unet", "text_encoder", "text_encoder_2"})
    if (strip_prefix(path, std::string(candidate) + ".")) {
      component = candidate;
      strip_prefix(path, "base_model.model.");
      break;
    }
  const TargetName* target = names.find(component + "." + modern_path(path, component != "unet"));
  const bool modern =
      plain.find(".lora_A.") != std::string::npos || plain.find(".lora_B.") != std::string::npos;
  return ParsedKey{target, split->second,
                   oldest   ? "diffusers-processor"
                   : modern ? "diffusers-peft"
                            : "diffusers-linear-layer"};
}

void write(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
           at::ScalarType dtype) {
  Adapter uniform = unit_scale_form(adapter);
  add_attention_to_encoders(uniform, names);
  NamedTensors tensors;
  nlohmann::json description = nlohmann::json::object();
  for (const auto& [component, layers] : layers_of_components(uniform)) {
    for (const auto& [module, layer] : layers) {
      const std::string canonical = component + "." + module;
      tensors[canonical + ".lora_A.weight"] = to_storage(layer.down, dtype, canonical);
      tensors[canonical + ".lora_B.weight"] = to_storage(layer.up, dtype, canonical);
    }
    const nlohmann::json config = peft_config_of(layers);
    for (const auto& [field, value] : config.items()) description[component + "." + field] = value;
  }
  write_hashed_safetensors(path, tensors, [&](const std::string& sha256) {
    StringMap metadata = lora_metadata(uniform, tensors, names, path.stem().string(), sha256);
    metadata["lora_adapter_metadata"] = description.dump();
    return metadata;
  });
}

}  // namespace

const KeyDialect kDiffusersDialect{
    "diffusers", "unet.down_blocks.1.….lora_A.weight: diffusers' load_lora_weights", parse, write};

}  // namespace ziplora
