#include "model_gradients.h"

#include <fstream>

#include "ziplora/models/diffusers_folder.h"
#include "ziplora/nn/load_parameters.h"

namespace ziplora::probe {

nlohmann::json read_config(const std::filesystem::path& folder) {
  return nlohmann::json::parse(std::ifstream(folder / "config.json"));
}

void load_trainable(Module& model, const std::filesystem::path& folder, const std::string& stem) {
  load_parameters(model, open_component_weights(folder, stem, at::kFloat), at::kCPU, at::kFloat);
  model.requires_grad(true);
}

void add_gradients(Module& model, Response& response) {
  model.for_each_parameter([&](const std::string& path, Module::Parameter& parameter) {
    const at::Tensor gradient = parameter.tensor->grad();
    if (gradient.defined()) response.outputs["gradient." + path] = gradient.contiguous();
  });
}

}  // namespace ziplora::probe
