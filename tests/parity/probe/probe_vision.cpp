// probe_vision_model: one forward and one backward pass of the image encoder arguments.model in arguments.folder, on
// inputs.pixel_values. probe_image_features and probe_text_features: embeddings as `evaluate` takes them, of
// inputs.image.<i> and arguments.prompts. probe_pillow_resize: inputs.image, resized.
#include <ATen/ops/cat.h>

#include <memory>

#include "tests/parity/probe/model_gradients.h"
#include "ziplora/evaluate/image_features.h"
#include "ziplora/evaluate/text_features.h"
#include "ziplora/models/clip_model.h"
#include "ziplora/models/csd_weights.h"
#include "ziplora/models/diffusers_folder.h"
#include "ziplora/models/dinov2_model.h"
#include "ziplora/models/vit_model.h"

namespace ziplora::probe {
namespace {

/// Gradients would be copied to the file one by one: at true shapes only the pixels' is asked for.
template <class Model>
Response forward_and_backward(Model& model, const TensorSource& source, const Request& request,
                              bool (*ignore)(const std::string&)) {
  load_parameters(model, source, at::kCPU, at::kFloat, ignore);
  const bool all_gradients = request.arguments.value("all_gradients", true);
  model.requires_grad(all_gradients);
  at::Tensor pixel_values = request.inputs.at("pixel_values").set_requires_grad(true);
  const at::Tensor output = model.forward(pixel_values);
  (output * request.inputs.at("cotangent")).sum().backward();
  Response response;
  response.outputs = {{"output", output.detach().contiguous()},
                      {"gradient.pixel_values", pixel_values.grad().contiguous()}};
  if (all_gradients) add_gradients(model, response);
  return response;
}

}  // namespace

Response run_vision_model(const Request& request) {
  const std::filesystem::path folder = request.arguments.at("folder").get<std::string>();
  const std::string name = request.arguments.at("model");
  const TensorSource source = open_component_weights(folder, "model", at::kFloat);
  if (name == "vit") {
    VitModel model(VitConfig::from_json(read_config(folder)));
    return forward_and_backward(model, source, request, nullptr);
  }
  if (name == "dinov2") {
    Dinov2Model model(Dinov2Config::from_json(read_config(folder)));
    return forward_and_backward(model, source, request,
                                [](const std::string& tensor) { return tensor == "embeddings.mask_token"; });
  }
  if (name == "clip") {
    ClipVisionModel model(ClipModelConfig::from_json(read_config(folder)).vision);
    return forward_and_backward(model, source, request, is_beside_clip_vision);
  }
  const CsdWeights csd(source, name == "csd_style" ? CsdHead::kStyle : CsdHead::kContent);
  ClipVisionModel model(csd.config());
  return forward_and_backward(model, csd.source(), request, nullptr);
}

Response run_image_features(const Request& request) {
  const std::filesystem::path folder = request.arguments.at("folder").get<std::string>();
  const ImageEncoder encoder = open_image_encoder(folder);
  std::vector<at::Tensor> embeds;
  for (const auto& [name, image] : request.inputs) embeds.push_back(encoder.embed(image.unsqueeze(0)));
  Response response;
  response.outputs["embeds"] = at::cat(embeds);  // in the order of the inputs' names
  response.values["name"] = encoder.name();
  return response;
}

Response run_image_preprocessing(const Request& request) {
  const ImagePreprocessing preprocessing =
      image_preprocessing(request.arguments.at("config"), ImageProcessor::kClip);
  Response response;
  for (const auto& [name, image] : request.inputs)
    response.outputs[name] = preprocessing.pixel_values(image.unsqueeze(0)).squeeze(0);
  response.values["text"] = preprocessing.text();
  return response;
}

Response run_text_features(const Request& request) {
  const TextEncoder encoder(request.arguments.at("folder").get<std::string>());
  Response response;
  response.outputs["embeds"] = encoder.embed(request.arguments.at("prompts"));
  response.values["logit_factor"] = encoder.logit_factor();
  return response;
}

Response run_pillow_resize(const Request& request) {
  const nlohmann::json& a = request.arguments;
  Response response;
  response.outputs["image"] = resize_as_pillow(request.inputs.at("image"), a.at("height"), a.at("width"),
                                               static_cast<PillowFilter>(a.at("resample").get<int>()));
  return response;
}

}  // namespace ziplora::probe
