#include "tests/parity/probe/model_gradients.h"

#include <fstream>

#include "ziplora/models/diffusers_folder.h"
#include "ziplora/nn/load_parameters.h"

namespace ziplora::probe {

nlohmann::json read_config(const std::filesystem::path& folder) {
  return nlohmann::json::parse(std::ifstream(folder / "config.json"));
}

void load_trainable(Module& model, const std::filesystem::path& folder, const std::string& stem,
                    at::Device device) {
  load_parameters(model, open_component_weights(folder, stem, at::kFloat), device, at::kFloat);
  model.requires_grad(true);
}

void load_frozen(Module& model, const std::filesystem::path& folder, at::ScalarType dtype,
                 at::Device device) {
  load_parameters(model, open_component_weights(folder, "diffusion_pytorch_model", dtype), device, dtype);
  model.requires_grad(false);
}

Adapter adapter_of_inputs(const Request& request, int64_t k) {
  const std::string down_prefix = std::to_string(k) + ".down.", up_prefix = std::to_string(k) + ".up.";
  Adapter adapter;
  for (const auto& [name, tensor] : request.inputs) {
    if (!name.starts_with(down_prefix)) continue;
    const std::string path = name.substr(down_prefix.size());
    adapter.layers["unet." + path] = {tensor, request.inputs.at(up_prefix + path), std::nullopt};
  }
  return adapter;
}

void add_gradients(Module& model, Response& response) {
  model.for_each_parameter([&](const std::string& path, Module::Parameter& parameter) {
    const at::Tensor gradient = parameter.tensor->grad();
    if (gradient.defined()) response.outputs["gradient." + path] = gradient.contiguous();
  });
}

}  // namespace ziplora::probe
