// ViTModel, as DINO's folders have it (arXiv 2104.14294): the class token, whose cosine is the DINO score of
// DreamBooth (arXiv 2208.12242). Nothing in such a folder says by what the model was trained, so its name is the
// folder's, too.
#include <memory>

#include "ziplora/evaluate/image_encoder_kind.h"
#include "ziplora/models/diffusers_folder.h"
#include "ziplora/models/vit_model.h"

namespace ziplora {
namespace {

bool is_beside_features(const std::string& tensor) { return tensor.starts_with("pooler."); }

OpenedImageModel open_vit(const nlohmann::json& json, const std::filesystem::path& folder) {
  const VitConfig config = VitConfig::from_json(json);
  auto vit = std::make_shared<VitModel>(config);
  load_parameters(*vit, open_component_weights(folder, "model", at::kFloat), at::kCPU, at::kFloat,
                  is_beside_features);
  const std::string own_name = std::filesystem::absolute(folder / "").parent_path().filename().string();
  return {
      .name = vit_name(config.hidden_size, config.patch_size) + " (" + own_name + ")",
      .image_size = config.image_size,
      .any_size = true,
      .features = [vit](const at::Tensor& pixel_values) { return vit->forward(pixel_values).select(1, 0); }};
}

}  // namespace

ImageEncoderKind vit_encoder() { return {"vit", "facebook/dino-vits16", ImageProcessor::kVit, open_vit}; }

}  // namespace ziplora
