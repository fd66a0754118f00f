// CSD, contrastive style descriptors (arXiv 2404.01292): the style head, whose cosine is likeness of style.
#include <memory>

#include "ziplora/evaluate/image_encoder_kind.h"
#include "ziplora/models/csd_weights.h"
#include "ziplora/models/diffusers_folder.h"

namespace ziplora {
namespace {

OpenedImageModel open_style_head(const nlohmann::json&, const std::filesystem::path& folder) {
  const CsdWeights csd(open_component_weights(folder, "model", at::kFloat), CsdHead::kStyle);
  auto vision = std::make_shared<ClipVisionModel>(csd.config());
  load_parameters(*vision, csd.source(), at::kCPU, at::kFloat);
  return {.name = "CSD " + vit_name(csd.config().hidden_size, csd.config().patch_size) + " style",
          .image_size = csd.config().image_size,
          .features = [vision](const at::Tensor& pixel_values) { return vision->forward(pixel_values); }};
}

}  // namespace

ImageEncoderKind csd_encoder() {
  return {"csd_clip", "the state dict of learn2phoenix/CSD as model.safetensors", ImageProcessor::kClip,
          open_style_head};
}

}  // namespace ziplora
