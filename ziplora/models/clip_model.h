#pragma once
/// The two towers of a CLIPModel folder of transformers (openai/clip-vit-base-patch32, -large-patch14), which stand in one
/// file: the image encoder and the text encoder, each with its projection into their common space.
///
///     ClipModelConfig config = ClipModelConfig::from_json(read_json_object(folder / "config.json"));
///     ClipVisionModel vision(config.vision);
///     load_parameters(vision, source, at::kCPU, at::kFloat, is_beside_clip_vision);

#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/clip_vision_model.h"

namespace ziplora {

struct ClipModelConfig {
  ClipVisionConfig vision;
  ClipTextConfig text;

  /// Reads config.json of a CLIPModel. As in transformers, the "vision_config_dict" and "text_config_dict" of old files
  /// count in place of "vision_config" and "text_config", and what is absent is CLIPVisionConfig's or
  /// CLIPTextConfig's default.
  /// @throws Error(kInput) or Error(kIncompatible) as ConfigReader
  static ClipModelConfig from_json(const nlohmann::json& config);
};

/// What a CLIPModel's file holds that is not of its image encoder, or not of its text encoder.
bool is_beside_clip_vision(const std::string& tensor);
bool is_beside_clip_text(const std::string& tensor);

}  // namespace ziplora
