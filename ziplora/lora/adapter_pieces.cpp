#include "ziplora/lora/adapter_pieces.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"
#include "ziplora/lora/wrapped_names.h"

namespace ziplora {
namespace {

namespace fs = std::filesystem;
constexpr const char* kComponents[] = {"unet", "text_encoder", "text_encoder_2"};

/// diffusers writes one JSON string with every component's fields: "unet.lora_alpha", "text_encoder.r", …
std::map<std::string, PeftConfig> configs_in_metadata(const SafetensorsFile& file) {
  std::map<std::string, PeftConfig> configs;
  const auto found = file.metadata().find("lora_adapter_metadata");
  if (found == file.metadata().end()) return configs;
  const std::string where = "read " + file.path().string() + ", lora_adapter_metadata";
  const std::optional<nlohmann::ordered_json> json = parse_ordered_json(found->second);
  if (!json || !json->is_object())
    throw Error(ErrorKind::kInput, where, "the metadata entry is not a JSON object",
                "save the LoRA again with diffusers' save_lora_weights");
  for (const std::string component : kComponents) {
    nlohmann::ordered_json fields = nlohmann::ordered_json::object();
    for (const auto& [key, value] : json->items())
      if (key.starts_with(component + ".")) fields[key.substr(component.size() + 1)] = value;
    if (!fields.empty()) configs.emplace(component, PeftConfig(fields, where));
  }
  return configs;
}

std::string component_of_peft_file(const fs::path& folder, const SafetensorsFile& file,
                                   const TargetNames& names) {
  for (const char* component : kComponents)
    if (folder.filename() == component) return component;
  for (const auto& [key, info] : file.tensors()) {
    if (key.find("text_projection.lora_") != std::string::npos) return "text_encoder_2";
    if (key.find("q_proj.lora_A") == std::string::npos || info.shape.size() != 2) continue;
    return info.shape[1] == names.text_encoder.hidden_size ? "text_encoder" : "text_encoder_2";
  }
  return "unet";
}

AdapterPiece peft_piece(const AdapterFiles& files, const TargetNames& names) {
  const fs::path folder = files.config.parent_path();
  if (!fs::exists(files.weights))
    throw Error(ErrorKind::kInput, "read " + folder.string(),
                fs::exists(folder / "adapter_model.bin")
                    ? "adapter_model.bin is a pickle, which can run code when it is opened"
                    : "adapter_model.safetensors is missing",
                "save the adapter again with save_pretrained(…, safe_serialization=True)");
  AdapterPiece piece{SafetensorsFile(files.weights), "", {}};
  piece.component = component_of_peft_file(folder, piece.file, names);
  piece.configs.emplace(piece.component,
                        PeftConfig(read_ordered_json_file(files.config), files.config.string()));
  return piece;
}

AdapterPiece single_piece(const fs::path& path) {
  SafetensorsFile file(path);
  std::map<std::string, PeftConfig> configs = configs_in_metadata(file);
  return {std::move(file), "", std::move(configs)};
}

}  // namespace

std::vector<AdapterFiles> find_adapter_files(const fs::path& path) {
  const char *const weights = "adapter_model.safetensors", *const config = "adapter_config.json";
  std::error_code unreadable;  // opening it as a file says why
  if (!fs::is_directory(path, unreadable)) {
    // PEFT's own file, given by name: its scale is in the config beside it.
    const fs::path beside = path.parent_path() / config;
    const bool of_peft = path.filename() == weights && fs::exists(beside);
    return {{path, of_peft ? beside : fs::path()}};
  }
  std::vector<fs::path> folders{path};
  for (const char* component : kComponents) folders.push_back(path / component);
  std::vector<AdapterFiles> files;
  for (const fs::path& folder : folders)
    if (fs::exists(folder / config)) files.push_back({folder / weights, folder / config});
  const fs::path of_diffusers = path / "pytorch_lora_weights.safetensors";
  if (files.empty() && fs::exists(of_diffusers)) files.push_back({of_diffusers, {}});
  return files;
}

std::vector<AdapterPiece> open_adapter_pieces(const fs::path& path, const TargetNames& names) {
  std::vector<AdapterPiece> pieces;
  for (const AdapterFiles& files : find_adapter_files(path))
    pieces.push_back(files.config.empty() ? single_piece(files.weights) : peft_piece(files, names));
  if (pieces.empty())
    throw Error(
        ErrorKind::kInput, "read " + path.string(),
        "the folder has no adapter_config.json (PEFT), nor one in unet/, text_encoder/, text_encoder_2/",
        "give a .safetensors file, or the folder that save_pretrained wrote");
  return pieces;
}

std::optional<ParsedKey> parse_key(const AdapterPiece& piece, const std::string& key,
                                   const TargetNames& names) {
  const auto parse = [&](const std::string& name) -> std::optional<ParsedKey> {
    // "base_model.model.X" → "unet.base_model.model.X"
    const bool bare = !piece.component.empty() && name.starts_with("base_model.");
    const std::string full = bare ? piece.component + "." + name : name;
    for (const KeyDialect& dialect : key_dialects())
      if (auto parsed = dialect.parse(full, names)) return parsed;
    return std::nullopt;
  };
  std::optional<ParsedKey> as_it_is = parse(key);
  if (as_it_is && as_it_is->target != nullptr) return as_it_is;
  if (const std::string name = without_wrappers(key); name != key)
    if (std::optional<ParsedKey> parsed = parse(name); parsed && parsed->target != nullptr) {
      parsed->wrapped = true;
      return parsed;
    }
  return as_it_is;
}

}  // namespace ziplora
