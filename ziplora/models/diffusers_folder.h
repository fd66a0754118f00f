#pragma once
/// Reads one component (unet/, vae/, text_encoder/ …) of a diffusers folder: its config and its weights, be
/// they one file, an `.fp16.` variant, or shards with an index. Tensors stay memory-mapped. Knows the names of
/// files, but no architecture.
///
///     TensorSource source = open_component_weights(folder / "unet", "diffusion_pytorch_model", at::kHalf);
///     load_parameters(unet, source, at::kCPU, at::kHalf);

#include <c10/core/ScalarType.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ziplora/nn/load_parameters.h"

namespace ziplora {

/// @throws Error(kInput) naming the file, if it is missing or not a JSON object
nlohmann::json read_json_object(const std::filesystem::path& path);

/// Text encoders that transformers' newest modules wrote lack the level "text_model." that all others have.
/// This puts it in front of a tensor's name if it is missing.
std::string with_text_model_level(const std::string& name);

/// The one file of the component's weights, or the index of its shards.
/// @param stem   "diffusion_pytorch_model", or "model" for text encoders
/// @param dtype  for half the `.fp16.` variant is preferred, otherwise the plain file
/// @throws Error(kInput) if there is neither
std::filesystem::path find_component_weights(const std::filesystem::path& component, const std::string& stem,
                                             at::ScalarType dtype);

/// The safetensors files behind it: itself, or the shards that the index names, in name order.
/// @throws Error(kInput) naming the file or shard that is missing or malformed
std::vector<std::filesystem::path> weight_files(const std::filesystem::path& file_or_index);

/// @param stem, dtype  as find_component_weights
/// @throws Error(kInput) naming the file or shard that is missing or malformed
TensorSource open_component_weights(const std::filesystem::path& component, const std::string& stem,
                                    at::ScalarType dtype);

}  // namespace ziplora
