// DINOv2 (arXiv 2304.07193): the class token.
#include <memory>

#include "ziplora/evaluate/image_encoder_kind.h"
#include "ziplora/models/diffusers_folder.h"
#include "ziplora/models/dinov2_model.h"

namespace ziplora {
namespace {

bool is_for_pretraining(const std::string& tensor) { return tensor == "embeddings.mask_token"; }

OpenedImageModel open_dinov2(const nlohmann::json& json, const std::filesystem::path& folder) {
  const Dinov2Config config = Dinov2Config::from_json(json);
  auto dinov2 = std::make_shared<Dinov2Model>(config);
  load_parameters(*dinov2, open_component_weights(folder, "model", at::kFloat), at::kCPU, at::kFloat,
                  is_for_pretraining);
  return {.name = "DINOv2 " + vit_name(config.hidden_size, config.patch_size),
          .image_size = config.image_size,
          .any_size = true,
          .features = [dinov2](const at::Tensor& pixel_values) {
            return dinov2->forward(pixel_values).select(1, 0);
          }};
}

}  // namespace

ImageEncoderKind dinov2_encoder() {
  return {"dinov2", "facebook/dinov2-base", ImageProcessor::kBit, open_dinov2};
}

}  // namespace ziplora
