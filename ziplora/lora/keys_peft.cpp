// Folders of huggingface/peft, one per component: adapter_config.json and adapter_model.safetensors with
// "base_model.model.down_blocks.1.….lora_A.weight". The reader (adapter_survey.cpp) puts the component's name
// in front, so that only the prefix is left to handle here.
#include <nlohmann/json.hpp>

#include "ziplora/base/atomic_folder.h"
#include "ziplora/io/hashed_safetensors.h"
#include "ziplora/io/json_file.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/lora_metadata.h"
#include "ziplora/lora/peft_config.h"
#include "ziplora/lora/universal_form.h"

namespace ziplora {
namespace {

std::optional<ParsedKey> parse(const std::string& key, const TargetNames& names) {
  constexpr std::string_view kLevel = "base_model.model.";
  const size_t at = key.find(kLevel);
  if (at == std::string::npos || (at != 0 && key[at - 1] != '.')) return std::nullopt;
  std::string plain = key;
  auto parsed = kDiffusersDialect.parse(plain.erase(at, kLevel.size()), names);
  if (parsed) parsed->dialect = "peft";
  return parsed;
}

/// transformers 5.6 removed the level "text_model" from the first encoder's modules (CLIPTextModel) and left
/// it in the second's. PEFT reports no error for keys that it cannot place, so they are spelled as it spells
/// them today.
std::string module_name(const std::string& component, std::string path) {
  if (component == "text_encoder") strip_prefix(path, "text_model.");
  return "base_model.model." + path;
}

void write(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
           at::ScalarType dtype) {
  const Adapter uniform = unit_scale_form(adapter);
  AtomicFolder whole(path);  // components left from another adapter would be read as parts of this one
  for (const auto& [component, layers] : layers_of_components(uniform)) {
    NamedTensors tensors;
    for (const auto& [module, layer] : layers) {
      const std::string name = module_name(component, module);
      tensors[name + ".lora_A.weight"] = to_storage(layer.down, dtype, module);
      tensors[name + ".lora_B.weight"] = to_storage(layer.up, dtype, module);
    }
    const std::filesystem::path folder = whole / component;
    std::filesystem::create_directory(folder);
    Adapter part{.layers = layers, .metadata = uniform.metadata, .source = {}, .dialect = {}};
    write_hashed_safetensors(folder / "adapter_model.safetensors", tensors, [&](const std::string& sha256) {
      return lora_metadata(part, tensors, names, path.stem().string(), sha256);
    });
    nlohmann::json config = peft_config_of(layers);
    config["base_model_name_or_path"] = nullptr;
    write_json_file(folder / "adapter_config.json", config);
  }
  whole.commit();
}

}  // namespace

const KeyDialect kPeftDialect{
    "peft", "one folder per component with adapter_config.json: PEFT's from_pretrained", parse, write};

}  // namespace ziplora
