#pragma once
/// Models that were distilled from SDXL: they share its names and widths and lack some of its layers, so that what
/// is wrong with them would read like a damaged SDXL.
///
///     if (const std::string name = distilled_model(file.tensors()); !name.empty()) …   // "SSD-1B"

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

/// @param tensors  of a single file in sgm's names
/// @return "KOALA-700M", …; empty: none of them
std::string distilled_model(const std::map<std::string, TensorInfo>& tensors);

/// @param config  unet/config.json, of any content
std::string distilled_model(const nlohmann::json& config);

}  // namespace ziplora
