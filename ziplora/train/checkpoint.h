#pragma once
/// A training run frozen between two iterations: one sealed safetensors file (io/sealed_safetensors.h) with the
/// factors, the optimizer's state and, in the metadata, the iteration and the settings. Data order, noise and
/// timesteps are functions of the seed and the example's number (data_order.h, dreambooth_batches.h), so the
/// iteration is the whole state of the random draws, and a resumed run ends with the same bits as one that was
/// never stopped.
///
///     write_checkpoint(checkpoint_path(run, 300), state);   // runs/dog/checkpoint-000300.safetensors
///     TrainingCheckpoint state = read_checkpoint(*latest_checkpoint(run));

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "ziplora/io/safetensors.h"

namespace ziplora {

struct TrainingCheckpoint {
  int64_t iteration = 0;         ///< optimizer updates already done
  NamedTensors factors = {};     ///< TrainableAdapter::factors()
  NamedTensors optimizer = {};   ///< the optimizer's state()
  nlohmann::json settings = {};  ///< everything that the course of the run depends on; compared on resume
  /// Saved only lest work be lost: removed once a later one or the result is safe.
  bool until_safe = false;
};

std::filesystem::path checkpoint_path(const std::filesystem::path& run_folder, int64_t iteration);

/// The checkpoint of a run folder with the highest iteration.
std::optional<std::filesystem::path> latest_checkpoint(const std::filesystem::path& run_folder);

/// Atomic. Texts of the settings may hold any bytes. @throws as write_safetensors
void write_checkpoint(const std::filesystem::path& path, const TrainingCheckpoint& checkpoint);

/// @throws Error(kInput) if the file is not a training checkpoint, or any of its bytes is not as it was written
TrainingCheckpoint read_checkpoint(const std::filesystem::path& path);

}  // namespace ziplora
