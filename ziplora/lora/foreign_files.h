#pragma once
/// What a file is if it is not a LoRA for SDXL that can be read. The error names the adapter kind, the
/// architecture or the kind of model.
///
/// A kind that becomes supported leaves the table in foreign_files.cpp and gets a delta_*.cpp of its own.

#include <optional>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// @return the adapter kind (“T-LoRA”) that the key's suffix belongs to, if that kind cannot be read yet
std::optional<std::string> unsupported_kind(const std::string& key);

/// What guess_architecture says of a file whose widths are SDXL's.
inline constexpr const char* kSdxlFamily = "SDXL or a relative of it (SSD-1B, Segmind-Vega, KOALA)";

/// @return what the LoRA was made for: “Stable Diffusion 1.5”, “Flux”, …; empty if nothing shows it
std::string guess_architecture(const std::map<std::string, TensorInfo>& tensors);

/// @return what a file that is not a LoRA is: “a whole SDXL checkpoint”, “a VAE”, …; empty if nothing shows
///         it
std::string guess_model(const std::map<std::string, TensorInfo>& tensors);

}  // namespace ziplora
