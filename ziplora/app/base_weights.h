#pragma once
/// The weights of a base as they lie on disk, for adapters whose ΔW depends on them. Nothing is opened before
/// the first weight is asked for, so that plain LoRA files cost nothing.
///
///     read_adapter(file, names, warnings, base_weights(request.base, names));

#include <filesystem>
#include <optional>

#include "ziplora/lora/resolve_against_base.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// @param base   the user's choice; absent: the default base (default_base.h), if it has the architecture
/// @param names  of the architecture
/// @return empty if there is no such base
BaseWeights base_weights(const std::optional<std::filesystem::path>& base, const TargetNames& names);

}  // namespace ziplora
