#pragma once
/// What a file is when it is not a LoRA for SDXL that can be read: names the family, the architecture or the
/// kind of model for the error.
///
/// A family that becomes supported leaves the table in foreign_files.cpp and gets a delta_*.cpp of its own.

#include <optional>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// @return the family (“T-LoRA”) that the key's suffix belongs to, if it is one that cannot be
/// read yet
std::optional<std::string> unsupported_family(const std::string& key);

/// @return “Stable Diffusion 1.5”, “Flux”, …: what the LoRA was made for; empty if there is no sign
std::string guess_architecture(const std::map<std::string, TensorInfo>& tensors);

/// @return “a checkpoint …”, “a VAE”, …: what the file is if it is no LoRA; empty if there is no sign
std::string guess_model(const std::map<std::string, TensorInfo>& tensors);

}  // namespace ziplora
