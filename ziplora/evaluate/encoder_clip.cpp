// CLIP (arXiv 2103.00020): the projected embedding, whose cosine is CLIP-I. A CLIPModel with both towers, or
// CLIPVisionModelWithProjection alone, as the judge of the miniature is.
#include <ATen/core/Tensor.h>

#include <memory>

#include "ziplora/evaluate/image_encoder_kind.h"
#include "ziplora/models/clip_model.h"
#include "ziplora/models/config_reader.h"
#include "ziplora/models/diffusers_folder.h"

namespace ziplora {
namespace {

OpenedImageModel open_vision(const ClipVisionConfig& config, const std::filesystem::path& folder) {
  auto vision = std::make_shared<ClipVisionModel>(config);
  load_parameters(*vision, open_component_weights(folder, "model", at::kFloat), at::kCPU, at::kFloat,
                  is_beside_clip_vision);
  return {.name = "CLIP " + vit_name(config.hidden_size, config.patch_size),
          .image_size = config.image_size,
          .features = [vision](const at::Tensor& pixel_values) { return vision->forward(pixel_values); }};
}

OpenedImageModel open_both_towers(const nlohmann::json& config, const std::filesystem::path& folder) {
  return open_vision(ClipModelConfig::from_json(config).vision, folder);
}

OpenedImageModel open_vision_alone(const nlohmann::json& config, const std::filesystem::path& folder) {
  return open_vision(ClipVisionConfig::from_json(config, kEncoderHints), folder);
}

}  // namespace

ImageEncoderKind clip_encoder() {
  return {"clip", "openai/clip-vit-base-patch32", ImageProcessor::kClip, open_both_towers};
}

ImageEncoderKind clip_vision_encoder() {
  return {"clip_vision_model", "CLIPVisionModelWithProjection", ImageProcessor::kClip, open_vision_alone};
}

}  // namespace ziplora
