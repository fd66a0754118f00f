#pragma once
/// What the probes of models share: loading a folder that diffusers saved, adapters that came as inputs, and
/// gradients by name.

#include <filesystem>

#include "tests/parity/probe/probes.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/nn/module.h"

namespace ziplora::probe {

nlohmann::json read_config(const std::filesystem::path& folder);
/// Loads <stem>.safetensors of the folder strictly, as float32, with gradients on.
void load_trainable(Module& model, const std::filesystem::path& folder,
                    const std::string& stem = "diffusion_pytorch_model", at::Device device = at::kCPU);
/// Loads diffusion_pytorch_model.safetensors of the folder as the program does: mapped where it can be.
void load_frozen(Module& model, const std::filesystem::path& folder, at::ScalarType dtype,
                 at::Device device = at::kCPU);
/// Of the UNet, from the inputs "<k>.down.<path>" and "<k>.up.<path>".
Adapter adapter_of_inputs(const Request& request, int64_t k);
/// Adds the gradient of every parameter as "gradient.<path>"; a parameter without one is left out.
void add_gradients(Module& model, Response& response);

}  // namespace ziplora::probe
