// probe_unet: one forward pass and, with inputs.cotangent, one backward pass of the UNet in arguments.folder.
// Arguments: checkpointing; dtype (of the weights); device; adapters (the factors inputs."down.<path>",
// inputs."up.<path>" and the optional inputs."row_gate" go into the layers' slots, and get gradients).
#include "tests/parity/probe/model_gradients.h"
#include "ziplora/base/dtype_name.h"
#include "ziplora/models/unet_2d_condition.h"
#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"

namespace ziplora::probe {
namespace {

void fill_slots(Module& model, NamedTensors& inputs) {
  model.for_each_module([&](const std::string& path, Module& module) {
    if (!inputs.count("down." + path)) return;
    LowRankUpdate update{.down = inputs.at("down." + path).set_requires_grad(true),
                         .up = inputs.at("up." + path).set_requires_grad(true),
                         .row_gate = {}};
    if (inputs.count("row_gate")) update.row_gate = inputs.at("row_gate").set_requires_grad(true);
    if (auto* linear = dynamic_cast<Linear*>(&module)) linear->adapter.set(update);
    if (auto* conv = dynamic_cast<Conv2d*>(&module)) conv->adapter.set(update);
  });
}

}  // namespace

Response run_unet(const Request& request) {
  const std::filesystem::path folder = request.arguments.at("folder").get<std::string>();
  UNet2DConditionModel unet(UNet2DConditionConfig::from_json(read_config(folder)));
  load_trainable(unet, folder, "diffusion_pytorch_model", request.device());
  const at::ScalarType dtype = parse_dtype(request.arguments.value("dtype", "float32"), "the probe's dtype");
  unet.for_each_parameter([&](const std::string&, Module::Parameter& parameter) {
    *parameter.tensor = parameter.tensor->detach().to(dtype);
  });
  unet.requires_grad(request.arguments.value("train_base", true));
  unet.set_gradient_checkpointing(request.arguments.value("checkpointing", false));

  NamedTensors inputs = request.inputs;
  fill_slots(unet, inputs);
  for (const char* name : {"sample", "encoder_hidden_states", "text_embeds"}) {
    inputs.at(name).set_requires_grad(request.arguments.value("train_inputs", true));
  }
  const at::Tensor noise_pred =
      unet.forward(inputs.at("sample"), inputs.at("timestep"),
                   {inputs.at("encoder_hidden_states"), inputs.at("text_embeds"), inputs.at("time_ids")});
  (noise_pred * inputs.at("cotangent")).sum().backward();

  Response response;
  response.outputs["noise_pred"] = noise_pred.detach().contiguous();
  add_gradients(unet, response);
  for (const auto& [name, tensor] : inputs) {
    if (tensor.grad().defined()) response.outputs["gradient." + name] = tensor.grad().contiguous();
  }
  response.values["config"] = unet.config.to_json();
  return response;
}

}  // namespace ziplora::probe
