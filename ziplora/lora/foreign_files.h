#pragma once
/// What a file is when it is not a plain LoRA for SDXL: names the family or the architecture in the error.
///
/// A family that becomes supported leaves the table in foreign_files.cpp and gets a keys_*.cpp of its own.

#include <optional>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// @return the family (“LoHa (LyCORIS)”) that the key's suffix belongs to, if it is one that cannot be read
/// yet
std::optional<std::string> unsupported_family(const std::string& key);

/// @return “Stable Diffusion 1.5”, “Flux”, …, or empty if there is no sign
std::string guess_architecture(const std::map<std::string, TensorInfo>& tensors);

}  // namespace ziplora
