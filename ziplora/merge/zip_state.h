#pragma once
/// The merge state of zip, in one safetensors file: coefficients, optimizer and the latents that it learns
/// on.
///
///     write_zip_state(path, {coefficients.named(), optimizer.state(), inputs.latents(), settings});
///     ZipState state = read_zip_state(path, settings);   // refuses the state of another merge
///
/// Batches are functions of seed and iteration (zip_inputs.h), so a resumed merge ends with the same
/// coefficients as one that was never interrupted.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

struct ZipState {
  /// MergerCoefficients::named()
  NamedTensors coefficients = {};
  /// Adam::state()
  NamedTensors optimizer = {};
  /// ZipInputs::latents()
  NamedTensors latents = {};
  /// Everything that the result depends on.
  nlohmann::json settings = {};
};

/// For hints: how to go on once the state is in this file.
std::string how_to_resume(const std::filesystem::path& path);

/// Atomic. @throws as write_safetensors
void write_zip_state(const std::filesystem::path& path, const ZipState& state);

/// @throws Error(kInput) if there is no such state, Error(kIncompatible) naming the first setting that
///         differs
ZipState read_zip_state(const std::filesystem::path& path, const nlohmann::json& settings);

}  // namespace ziplora
