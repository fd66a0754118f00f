#pragma once
/// Writes the universal form (universal_form.h) to one file, in the module names of a dialect: two factors
/// and an alpha per layer, the differences of biases and norms, and metadata.
///
///     write_universal(path, adapter, names, at::kHalf,
///                     {module_name, ".lora_down.weight", ".lora_up.weight"});

#include <filesystem>
#include <string>

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

struct UniversalSpelling {
  std::string (*module)(const TargetName& target);
  const char *down, *up;  ///< suffixes of the factors
};

/// @throws as write_adapter
void write_universal(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
                     at::ScalarType dtype, const UniversalSpelling& spelling);

}  // namespace ziplora
