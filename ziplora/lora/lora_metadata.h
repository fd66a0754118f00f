#pragma once
/// The metadata of LoRA files: kohya's `ss_*` minimum, Stability's ModelSpec, and hashes that match the file.
/// Entries that the adapter already has are kept; those that the writer changes are replaced.
///
///     write_hashed_safetensors(path, tensors, [&](const std::string& sha256) {
///       return lora_metadata(adapter, tensors, names, "dog-in-ink", sha256);
///     });
///
/// The time of writing is left out, so that the same adapter gives the same bytes. Sources:
/// kohya-ss/sd-scripts library/train_util.py (precalculate_safetensors_hashes), Stability-AI/ModelSpec.

#include <string>

#include "ziplora/io/safetensors.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// modelspec.*, format, the ss_* minimum (in every dialect, because UIs read rank and alpha from it),
/// sshs_model_hash and sshs_legacy_hash.
/// @param adapter      in the form in which it is written: every layer has an alpha
/// @param data_sha256  of the tensors' data section, 64 hexadecimal digits
StringMap lora_metadata(const Adapter& adapter, const NamedTensors& tensors, const TargetNames& names,
                        const std::string& title, const std::string& data_sha256);

}  // namespace ziplora
