#pragma once
/// Reads and writes LoRA files. The key dialects are a table (key_dialects.cpp). Module names come from a
/// fixed table built from the architecture; underscores are never guessed at.
///
///     Adapter cat = read_adapter("cat.safetensors", target_names, warnings);
///     write_adapter("merged.safetensors", merged, target_names, {.format = "kohya"});

#include <filesystem>
#include <string>
#include <vector>

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/resolve_against_base.h"
#include "ziplora/models/unet_2d_condition.h"

namespace ziplora {

class TargetNames;  // target_names.h: canonical ↔ flattened names of an architecture

/// What to do with keys that have no place in an SDXL adapter and change something else (embeddings), or have
/// names that are not known here.
struct UnusedKeys {
  bool leave_out = false;       ///< and say so in the warnings; false: refuse the file
  std::string how_to_ask = "";  ///< completes the hint of that refusal, after its first part
};

/// Uses everything in the file or names it, in the error or in the warnings; nothing is skipped silently.
/// @param warnings  gets what the user should know (“no alpha in the file: scale 1”), without the file's name
/// @param base      asked for weights only where ΔW depends on them (DoRA, OFT, …); such layers become exact
///                  factors of full rank
/// @throws Error(kInput): not a LoRA, a factor without its counterpart, NaN or Inf (names the module);
///         Error(kIncompatible): another architecture (says which one it looks like: SD1.5, Flux, refiner…),
///         a kind that cannot be read, names that are not known here, or layers that depend on the base where
///         none is given
Adapter read_adapter(const std::filesystem::path& path, const TargetNames& names,
                     std::vector<std::string>& warnings, const BaseWeights& base = {},
                     const UnusedKeys& unused = {});

struct WriteOptions {
  std::string format = "kohya";      ///< the name of a key dialect that can be written
  at::ScalarType dtype = at::kHalf;  ///< of the factors
};

/// To be called before long work on adapters that will be written.
/// @throws Error(kIncompatible) if the adapter changes biases or norms and the format has no place for them;
///         Error(kUsage) if the format cannot be written
void require_place_for(const Adapter& adapter, const std::string& format);

/// Refuses before long work what `write_adapter` would refuse after it.
/// @throws Error(kFailed) if the folder above is missing or read-only; Error(kUsage) if the format is a file
///         and `path` a folder, or the other way round, or a folder in which something is already
void require_writable(const std::filesystem::path& path, const std::string& format);

/// Writes the universal form: one constant alpha per component, factors balanced so that half precision
/// neither overflows nor flushes to zero, and metadata whose hashes match the file.
void write_adapter(const std::filesystem::path& path, const Adapter& adapter, const TargetNames& names,
                   const WriteOptions& options = {});

}  // namespace ziplora
