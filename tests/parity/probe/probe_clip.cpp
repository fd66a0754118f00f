// probe_text_encoder: one forward and one backward pass of the CLIP text model in arguments.folder, on
// inputs.token_ids. probe_image_encoder: the same of the CLIP image model, on inputs.pixel_values.
#include <ATen/ops/zeros.h>

#include "tests/parity/probe/model_gradients.h"
#include "ziplora/models/clip_text_model.h"
#include "ziplora/models/clip_vision_model.h"

namespace ziplora::probe {

Response run_text_encoder(const Request& request) {
  const std::filesystem::path folder = request.arguments.at("folder").get<std::string>();
  ClipTextModel model(
      ClipTextConfig::from_json(read_config(folder), request.arguments.at("with_projection").get<bool>()));
  load_trainable(model, folder, "model");
  const ClipTextOutput out = model.forward(request.inputs.at("token_ids"));
  const std::map<std::string, at::Tensor> outputs = {
      {"penultimate", out.penultimate}, {"last_hidden_state", out.last_hidden_state}, {"pooled", out.pooled}};
  at::Tensor loss = at::zeros({});
  for (const auto& [name, value] : outputs)
    loss = loss + (value * request.inputs.at(name + "_cotangent")).sum();
  loss.backward();

  Response response;
  for (const auto& [name, value] : outputs) response.outputs[name] = value.detach().contiguous();
  add_gradients(model, response);
  response.values["config"] = model.config.to_json();
  return response;
}

Response run_image_encoder(const Request& request) {
  const std::filesystem::path folder = request.arguments.at("folder").get<std::string>();
  ClipVisionModel model(ClipVisionConfig::from_json(read_config(folder)));
  load_trainable(model, folder, "model");
  at::Tensor pixel_values = request.inputs.at("pixel_values").set_requires_grad(true);
  const at::Tensor embeds = model.forward(pixel_values);
  (embeds * request.inputs.at("embeds_cotangent")).sum().backward();

  Response response;
  response.outputs = {{"embeds", embeds.detach().contiguous()},
                      {"gradient.pixel_values", pixel_values.grad().contiguous()}};
  add_gradients(model, response);
  response.values["config"] = model.config.to_json();
  return response;
}

}  // namespace ziplora::probe
