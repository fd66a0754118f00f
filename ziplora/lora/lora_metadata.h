#pragma once
/// Metadata of LoRA files: kohya's `ss_*` minimum, Stability's ModelSpec and hashes that are truly those of
/// the file. What the adapter already carries is kept; numbers that the writer changes are written anew.
///
///     write_hashed_safetensors(path, tensors, [&](const std::string& sha256) {
///       return lora_metadata(adapter, tensors, names, "dog-in-ink", sha256);
///     });
///
/// No time of writing goes in: the same adapter gives the same bytes. Sources: kohya-ss/sd-scripts
/// library/train_util.py (precalculate_safetensors_hashes), Stability-AI/ModelSpec.

#include <string>

#include "ziplora/io/safetensors.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// modelspec.*, format, the ss_* minimum set (whatever the keys are named like: UIs show rank and alpha by
/// it), sshs_model_hash and sshs_legacy_hash.
/// @param adapter      in the form in which it is written: every layer has an alpha
/// @param data_sha256  of the tensors' data section, 64 hexadecimal digits
StringMap lora_metadata(const Adapter& adapter, const NamedTensors& tensors, const TargetNames& names,
                        const std::string& title, const std::string& data_sha256);

}  // namespace ziplora
