#pragma once
/// What the probes of trainable models share: loading a folder that diffusers saved, and gradients by name.

#include <filesystem>

#include "probes.h"
#include "ziplora/nn/module.h"

namespace ziplora::probe {

nlohmann::json read_config(const std::filesystem::path& folder);
/// Loads <stem>.safetensors of the folder strictly, as float32, with gradients on.
void load_trainable(Module& model, const std::filesystem::path& folder,
                    const std::string& stem = "diffusion_pytorch_model");
/// Adds the gradient of every parameter as "gradient.<path>"; a parameter without one is left out.
void add_gradients(Module& model, Response& response);

}  // namespace ziplora::probe
