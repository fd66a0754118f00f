#pragma once
/// The safetensors files that make up one adapter, opened, with the scales that stand beside their keys: a
/// single file, diffusers' folder, or PEFT's folders, one a component.
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

/// What is read of one piece, by name.
struct AdapterFiles {
  std::filesystem::path weights;
  std::filesystem::path config;  ///< PEFT's adapter_config.json; empty: there is none
};

/// @return the pieces' files in the order in which they are read; none: the folder holds no adapter
std::vector<AdapterFiles> find_adapter_files(const std::filesystem::path& path);

struct AdapterPiece {
  SafetensorsFile file;
  std::string component;  ///< of PEFT's un-prefixed names; empty: the keys say it
  /// By component: adapter_config.json, or diffusers' lora_adapter_metadata.
  std::map<std::string, PeftConfig> configs;
};

/// @throws Error(kInput): nothing there, no safetensors file, a pickle, a config that is no JSON;
///         Error(kIncompatible): an adapter of PEFT that is no plain LoRA
std::vector<AdapterPiece> open_adapter_pieces(const std::filesystem::path& path, const TargetNames& names);

/// The layer and part that a key of the piece names, in whichever dialect; nothing if it is no LoRA key.
std::optional<ParsedKey> parse_key(const AdapterPiece& piece, const std::string& key,
                                   const TargetNames& names);

}  // namespace ziplora
