#pragma once
/// The layers of a base that adapters can change, from its configs alone: no weights are read.
///
///     TargetNames names = base_targets("assets/mini");

#include <filesystem>

#include "ziplora/lora/target_names.h"

namespace ziplora {

/// @param base  a diffusers folder, or a single file, which has SDXL's sizes unless a companion folder of its
///              name says otherwise
/// @throws Error(kInput) if the folder lacks a config, Error(kIncompatible) if a config is not an SDXL's
TargetNames base_targets(const std::filesystem::path& base);

}  // namespace ziplora
