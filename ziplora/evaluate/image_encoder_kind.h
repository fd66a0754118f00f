#pragma once
/// A kind of image encoder: how a folder is told by its config.json, and what is made of it. To add one, define its entry in
/// a file encoder_<name>.cpp and add a line to the table in image_encoders.cpp.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/evaluate/image_preprocessing.h"

namespace ziplora {

struct OpenedImageModel {
  std::string name;       ///< "CLIP ViT-B/32"
  int64_t image_size;     ///< pixels of the square that the model was trained on
  bool any_size = false;  ///< it takes others, too
  /// [B, 3, H, W] pixel values → [B, D], of any length. Keeps the model alive.
  std::function<at::Tensor(const at::Tensor& pixel_values)> features;
};

struct ImageEncoderKind {
  const char* model_type;    ///< in config.json
  const char* example;       ///< where such a folder comes from
  ImageProcessor processor;  ///< its class where preprocessor_config.json names none
  /// @throws Error(kInput) or Error(kIncompatible) for a config or weights that do not fit
  OpenedImageModel (*open)(const nlohmann::json& config, const std::filesystem::path& folder);
};

const std::vector<ImageEncoderKind>& image_encoder_kinds();

/// @throws Error(kIncompatible) for a folder of another kind: what it is, and what is known
const ImageEncoderKind& find_image_encoder(const nlohmann::json& config, const std::filesystem::path& folder);

/// config.json of an encoder's folder.
/// @param where  what is being done, for messages
/// @throws Error(kInput) that says what the path is if it is no such folder
nlohmann::json read_encoder_config(const std::filesystem::path& folder, const std::string& where);

/// A Vision Transformer's name in the field: "ViT-B/32"; "ViT-128/8" for a width that has no letter.
std::string vit_name(int64_t hidden_size, int64_t patch_size);

/// Each row divided by its length.
at::Tensor rows_of_length_one(const at::Tensor& features);

}  // namespace ziplora
