#pragma once
/// Opens the safetensors files that make up one adapter, with the configs that scale it: a single file,
/// diffusers' folder, or PEFT's folders, one per component.
///
///     for (const AdapterPiece& piece : open_adapter_pieces("my-lora/", names)) …

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/io/safetensors.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/lora/peft_config.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// The files that one piece is read from.
struct AdapterFiles {
  std::filesystem::path weights;
  std::filesystem::path config;  ///< PEFT's adapter_config.json; empty: there is none
};

/// @return the files of each piece, in reading order; empty: the folder holds no adapter
std::vector<AdapterFiles> find_adapter_files(const std::filesystem::path& path);

struct AdapterPiece {
  SafetensorsFile file;
  std::string component;  ///< of PEFT's names, which have no prefix; empty: the keys name it
  /// By component: adapter_config.json, or diffusers' lora_adapter_metadata.
  std::map<std::string, PeftConfig> configs;
};

/// @throws Error(kInput): nothing there, no safetensors file, a pickle, a config that is not valid JSON;
///         Error(kIncompatible): an adapter of PEFT that is not a plain LoRA
std::vector<AdapterPiece> open_adapter_pieces(const std::filesystem::path& path, const TargetNames& names);

/// The layer and part that a key of the piece names, in whichever dialect; nothing if it is no LoRA key.
std::optional<ParsedKey> parse_key(const AdapterPiece& piece, const std::string& key,
                                   const TargetNames& names);

}  // namespace ziplora
