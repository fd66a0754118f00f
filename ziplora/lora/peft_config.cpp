#include "ziplora/lora/peft_config.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include "ziplora/base/error.h"
#include "ziplora/lora/module_pattern.h"
#include "ziplora/lora/universal_form.h"

namespace ziplora {
namespace {

/// transformers 5.6 removed this level from CLIPTextModel's module names. PEFT matches names at their end, so
/// a name without the level fits the modules of every version.
constexpr std::string_view kTextModelLevel = "text_model.";

}  // namespace

PeftConfig::PeftConfig(const nlohmann::ordered_json& json, const std::string& where) {
  try {
    const std::string type = json.value("peft_type", "LORA");
    if (type != "LORA")
      throw Error(ErrorKind::kIncompatible, where,
                  fmt::format("the adapter is of the type {}, only LORA can be read", type),
                  "train or convert it as a LoRA");
    if (const auto bias = json.find("bias"); bias != json.end() && bias->is_string() && *bias != "none")
      throw Error(ErrorKind::kIncompatible, where,
                  fmt::format("the adapter was trained with bias \"{}\": it replaces biases of the base",
                              bias->get<std::string>()),
                  "train it with bias=\"none\", or with lora_bias=True");
    alpha_ = json.at("lora_alpha").get<double>();
    use_rslora_ = json.contains("use_rslora") && json["use_rslora"] == true;
    if (json.contains("alpha_pattern") && !json["alpha_pattern"].is_null())
      for (const auto& [pattern, value] :
           json["alpha_pattern"].get_ref<const nlohmann::ordered_json::object_t&>())
        alpha_pattern_.emplace_back(pattern, value.get<double>());
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, where, fmt::format("not a PEFT LoRA config: {}", error.what()),
                "it needs at least \"lora_alpha\"; save the adapter again with save_pretrained");
  }
}

double PeftConfig::lora_alpha(const std::string& module, int64_t rank) const {
  double alpha = alpha_;
  for (const auto& [pattern, value] : alpha_pattern_)
    if (matches_module(pattern, module)) {
      alpha = value;
      break;
    }
  return use_rslora_ ? alpha * std::sqrt(static_cast<double>(rank)) : alpha;
}

nlohmann::json peft_config_of(const std::map<std::string, LoraLayer>& layers) {
  const int64_t rank = most_common_rank(layers);
  nlohmann::json targets = nlohmann::json::array(), pattern = nlohmann::json::object();
  for (const auto& [module, layer] : layers) {
    const bool has_level = module.starts_with(kTextModelLevel);
    const std::string name = has_level ? module.substr(kTextModelLevel.size()) : module;
    targets.push_back(name);
    if (layer.rank() != rank) pattern[name] = layer.rank();
  }
  return {{"peft_type", "LORA"},      {"r", rank},
          {"lora_alpha", rank},       {"target_modules", targets},
          {"rank_pattern", pattern},  {"alpha_pattern", pattern},
          {"use_rslora", false},      {"use_dora", false},
          {"bias", "none"},           {"lora_dropout", 0.0},
          {"task_type", nullptr},     {"inference_mode", true},
          {"init_lora_weights", true}};
}

}  // namespace ziplora
