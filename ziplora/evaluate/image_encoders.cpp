#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"
#include "ziplora/evaluate/image_encoder_kind.h"
#include "ziplora/io/json_file.h"

namespace ziplora {

ImageEncoderKind clip_encoder();
ImageEncoderKind clip_vision_encoder();
ImageEncoderKind csd_encoder();
ImageEncoderKind dinov2_encoder();
ImageEncoderKind vit_encoder();

const std::vector<ImageEncoderKind>& image_encoder_kinds() {
  static const std::vector<ImageEncoderKind> kinds = {
      clip_encoder(), clip_vision_encoder(), csd_encoder(), dinov2_encoder(), vit_encoder(),
  };
  return kinds;
}

namespace {

/// What a config.json says that it belongs to.
std::string described(const nlohmann::json& config) {
  for (const char* field : {"model_type", "_class_name"})
    if (const auto found = config.find(field); found != config.end() && found->is_string())
      return fmt::format("{} {}", field, found->dump());
  return "no \"model_type\"";
}

}  // namespace

const ImageEncoderKind& find_image_encoder(const nlohmann::json& config,
                                           const std::filesystem::path& folder) {
  const auto type = config.find("model_type");
  std::vector<std::string> known;
  for (const ImageEncoderKind& kind : image_encoder_kinds()) {
    if (type != config.end() && *type == kind.model_type) return kind;
    known.push_back(fmt::format("{} ({})", kind.model_type, kind.example));
  }
  throw Error(ErrorKind::kIncompatible, "open image encoder " + folder.string(),
              fmt::format("config.json says {}; known are {}", described(config), fmt::join(known, ", ")),
              "download the folder of one of these");
}

nlohmann::json read_encoder_config(const std::filesystem::path& folder, const std::string& where) {
  const std::string hint =
      "give the folder of a CLIP, DINO, DINOv2 or CSD model, with config.json and model.safetensors";
  const std::string what = where + " " + folder.string();
  if (!std::filesystem::exists(folder)) throw Error(ErrorKind::kInput, what, "there is no such folder", hint);
  if (!std::filesystem::is_directory(folder))
    throw Error(ErrorKind::kInput, what, "this is a file, a folder is expected", hint);
  if (std::filesystem::exists(folder / "model_index.json"))
    throw Error(ErrorKind::kIncompatible, what, "this is a diffusers folder, which draws images", hint);
  if (!std::filesystem::exists(folder / "config.json"))
    throw Error(ErrorKind::kInput, what, "the folder has no config.json", hint);
  nlohmann::json config = read_json_file(folder / "config.json");
  if (!config.is_object()) throw Error(ErrorKind::kInput, what, "config.json holds no JSON object", hint);
  return config;
}

std::string vit_name(int64_t hidden_size, int64_t patch_size) {
  struct Width {
    int64_t hidden_size;
    const char* letter;
  };
  static constexpr Width kWidths[] = {{192, "Ti"}, {384, "S"},  {768, "B"},
                                      {1024, "L"}, {1280, "H"}, {1536, "g"}};
  for (const auto& [width, letter] : kWidths)
    if (width == hidden_size) return fmt::format("ViT-{}/{}", letter, patch_size);
  return fmt::format("ViT-{}/{}", hidden_size, patch_size);
}

at::Tensor rows_of_length_one(const at::Tensor& features) {
  return features / features.norm(2, {-1}, /*keepdim=*/true).clamp_min(1e-12);
}

}  // namespace ziplora
