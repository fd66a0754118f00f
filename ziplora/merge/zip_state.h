#pragma once
/// An interrupted zip merge: coefficients, optimizer and the latents it learns on, in one safetensors file.
///
///     write_zip_state(path, {coefficients.named(), optimizer.state(), inputs.latents(), settings});
///     ZipState state = read_zip_state(path, settings);   // refuses the state of another merge
///
/// Batches are functions of seed and iteration (zip_inputs.h), so a resumed merge ends with the same
/// coefficients as one that was never stopped.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

struct ZipState {
  NamedTensors coefficients;  ///< MergerCoefficients::named()
  NamedTensors optimizer;     ///< Adam::state()
  NamedTensors latents;       ///< ZipInputs::latents()
  nlohmann::json settings;    ///< everything that the result depends on
};

/// For hints: what to do once the state is in this file.
std::string how_to_resume(const std::filesystem::path& path);

/// Atomic. @throws as write_safetensors
void write_zip_state(const std::filesystem::path& path, const ZipState& state);

/// @throws Error(kInput) if there is no such state, Error(kIncompatible) if its settings differ (names the
/// first)
ZipState read_zip_state(const std::filesystem::path& path, const nlohmann::json& settings);

}  // namespace ziplora
