#pragma once
/// Which base adapter files are for: SDXL, the miniature, or one that the user names. The one place that
/// decides it, from the names and shapes in the files' headers.
///
///     const Architecture architecture = architecture_of({"dog.safetensors", "ink.safetensors"}, request.base);
///     read_adapter(file, *architecture.names, warnings, architecture.weights());
///
/// Weights of the base are opened when a layer's ΔW needs the first of them (DoRA, OFT, …), so that plain
/// LoRA files cost nothing.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/lora/resolve_against_base.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

struct Architecture {
  std::string name;  ///< for people: "SDXL base 1.0", "as assets/mini"
  std::shared_ptr<const TargetNames> names;
  std::optional<std::filesystem::path> base;  ///< where its weights are, if that is known

  /// Empty if it is not known where the weights are.
  BaseWeights weights() const;
};

/// @param base  a diffusers folder or single file
/// @throws Error(kInput, kIncompatible) as base_targets
Architecture architecture_of_base(const std::filesystem::path& base);

/// What files may be for where no base is named: SDXL base 1.0, and the default base (default_base.h) where
/// there is one.
std::vector<Architecture> known_architectures();

/// The one that matches most of the file's layers; the first where none does.
/// @param candidates  not empty
/// @throws as match_base, for a file that cannot be opened
const Architecture& best_match(const std::filesystem::path& adapter,
                               const std::vector<Architecture>& candidates);

/// @param base  the user's choice, which is not questioned here: reading the files says what does not fit
/// @return without `base`, the known one that all files are for
/// @throws Error(kIncompatible) that names two files if they are for different bases; as architecture_of_base
///         and best_match
Architecture architecture_of(const std::vector<std::filesystem::path>& adapters,
                             const std::optional<std::filesystem::path>& base);

/// The weights of a base as they lie on disk.
BaseWeights base_weights(const std::filesystem::path& base, const TargetNames& names);

}  // namespace ziplora
