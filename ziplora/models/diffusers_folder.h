#pragma once
/// Reads one component (unet/, vae/, text_encoder/ …) of a diffusers folder: its config and its weights,
/// which are one file, an `.fp16.` variant, or shards with an index. Tensors stay memory-mapped. Knows file
/// names, no architecture.
///
///     TensorSource source = open_component_weights(folder / "unet", "diffusion_pytorch_model", at::kHalf);
///     load_parameters(unet, source, at::kCPU, at::kHalf);

#include <c10/core/ScalarType.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/nn/load_parameters.h"

namespace ziplora {

/// @throws Error(kInput) naming the file, if it is missing or not a JSON object
nlohmann::json read_json_object(const std::filesystem::path& path);

/// @param stem   "diffusion_pytorch_model", or "model" for text encoders
/// @param dtype  if half and both are there, the `.fp16.` variant is taken; else the plain file
/// @throws Error(kInput) naming the file or shard that is missing or malformed
TensorSource open_component_weights(const std::filesystem::path& component, const std::string& stem,
                                    at::ScalarType dtype);

}  // namespace ziplora
