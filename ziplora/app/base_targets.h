#pragma once
/// The layers of a base that adapters can change, from its configs alone: no weights are read.
///
///     TargetNames names = base_targets("assets/mini");

#include <filesystem>

#include "ziplora/lora/target_names.h"

namespace ziplora {

/// @param base  a diffusers folder, or a single-file checkpoint with SDXL's sizes unless a companion folder
/// of its
///              name says otherwise
/// @throws Error(kInput) if the folder lacks a config, Error(kIncompatible) if a config is no SDXL's
TargetNames base_targets(const std::filesystem::path& base);

/// Of the base that a LoRA file is for, where none is named and no weights are needed: SDXL 1.0's, or the
/// embedded base's if the file fits that one only.
TargetNames targets_of_file(const std::filesystem::path& adapter);

}  // namespace ziplora
