#pragma once
/// The merge state of zip, in one sealed safetensors file (io/sealed_safetensors.h): coefficients, optimizer and the latents that it learns
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

/// For hints: how to go on from a state.
/// @param path  where `--resume` looks for it
/// @param kept  where it is
std::string how_to_resume(const std::filesystem::path& path, const std::filesystem::path& kept);

/// Atomic. @throws as write_safetensors
void write_zip_state(const std::filesystem::path& path, const ZipState& state);

/// Writes it there, or where that fails, into a new folder for temporary files.
/// @return where it is
std::filesystem::path keep_zip_state(const std::filesystem::path& path, const ZipState& state);

/// @throws Error(kInput) if there is no such state or it is not as it was written, Error(kIncompatible) naming the first setting that
///         differs
ZipState read_zip_state(const std::filesystem::path& path, const nlohmann::json& settings);

}  // namespace ziplora
