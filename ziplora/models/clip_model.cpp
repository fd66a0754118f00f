#include "ziplora/models/clip_model.h"

#include "ziplora/models/config_reader.h"

namespace ziplora {
namespace {

using nlohmann::json;

/// The config of one tower, flat, as CLIPVisionConfig and CLIPTextConfig have it.
json tower_config(const json& config, const std::string& tower, json defaults, int64_t projection_dim) {
  for (const std::string& field : {tower + "_dict", tower}) {
    const auto found = config.find(field);
    if (found == config.end() || found->is_null()) continue;
    ConfigReader(*found, "CLIP config: " + field, kEncoderHints);  // refuses what is not an object
    defaults.update(*found);
    break;
  }
  defaults["projection_dim"] = projection_dim;
  return defaults;
}

bool is_buffer(const std::string& tensor) { return tensor.ends_with(".position_ids"); }

bool is_vision(const std::string& tensor) {
  return tensor.starts_with("vision_model.") || tensor.starts_with("visual_projection.");
}

bool is_text(const std::string& tensor) {
  return tensor.starts_with("text_model.") || tensor.starts_with("text_projection.");
}

}  // namespace

ClipModelConfig ClipModelConfig::from_json(const json& config) {
  ConfigReader reader(config, "CLIP config", kEncoderHints);
  const int64_t projection_dim = reader.has("projection_dim") ? reader.positive("projection_dim") : 512;
  const json vision_defaults = {{"hidden_size", 768},      {"intermediate_size", 3072},
                                {"num_hidden_layers", 12}, {"num_attention_heads", 12},
                                {"image_size", 224},       {"patch_size", 32}};
  const json text_defaults = {{"hidden_size", 512},      {"intermediate_size", 2048},
                              {"num_hidden_layers", 12}, {"num_attention_heads", 8},
                              {"vocab_size", 49408},     {"max_position_embeddings", 77}};
  return {ClipVisionConfig::from_json(tower_config(config, "vision_config", vision_defaults, projection_dim),
                                      kEncoderHints),
          ClipTextConfig::from_json(tower_config(config, "text_config", text_defaults, projection_dim),
                                    /*with_projection=*/true, kEncoderHints)};
}

bool is_beside_clip_vision(const std::string& tensor) {
  return is_buffer(tensor) || is_text(tensor) || tensor == "logit_scale";
}

bool is_beside_clip_text(const std::string& tensor) {
  return is_buffer(tensor) || is_vision(tensor) || tensor == "logit_scale";
}

}  // namespace ziplora
