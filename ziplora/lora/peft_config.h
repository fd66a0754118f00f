#pragma once
/// The part of PEFT's LoraConfig that scales a LoRA: in `adapter_config.json`, and for each component in
/// diffusers' `lora_adapter_metadata`.
///
///     PeftConfig config(json, "adapter_config.json");
///     layer.lora_alpha = config.lora_alpha("mid_block.attentions.0.proj_in", layer.rank());
///
/// Source: huggingface/peft src/peft/tuners/lora/{config,layer}.py, utils/other.py get_pattern_key.

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "ziplora/lora/adapter.h"

namespace ziplora {

class PeftConfig {
 public:
  /// @throws Error(kInput) for wrong types, Error(kIncompatible) for adapters that are not plain LoRA, naming
  ///         what they are
  PeftConfig(const nlohmann::ordered_json& json, const std::string& where);
  /// With rank-stabilised scaling (α/√r) this is α·√r, so that scale = lora_alpha / rank always holds.
  double lora_alpha(const std::string& module, int64_t rank) const;

 private:
  double alpha_;
  std::vector<std::pair<std::string, double>> alpha_pattern_;  ///< the first match counts
  bool use_rslora_;
};

/// The config of layers whose scale is 1: r and lora_alpha are the most common rank, and the patterns list
/// the layers of other ranks.
nlohmann::json peft_config_of(const std::map<std::string, LoraLayer>& layers);

}  // namespace ziplora
