#pragma once
/// The use case behind `ziplora train`: images and a prompt in, a LoRA file out. Loads the base, encodes
/// images and prompts once, draws class images where asked, trains, and keeps the run folder.
///
///     TrainRequest request;
///     request.images = {"photos/"}; request.prompt = "a sks dog"; request.output = "dog.safetensors";
///     TrainResult result = run_train(request, progress, cancel);
///
/// The run folder (runs/<name of the output>) exists only where something is kept in it: checkpoints,
/// samples, class images, metrics.jsonl; Ctrl-C makes one to save a checkpoint that `--resume` goes on
/// from, bit for bit.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora {

struct TrainRequest {
  std::vector<std::filesystem::path>
      images;          ///< files and folders; `dog.txt` beside `dog.png` is its caption
  std::string prompt;  ///< the instance prompt, for images without a caption
  std::filesystem::path output;
  std::optional<std::filesystem::path> base;           ///< absent: the embedded base
  nlohmann::json settings = nlohmann::json::object();  ///< what was asked for, by names of train_settings.h
  std::optional<std::filesystem::path> resume;         ///< a run folder or one of its checkpoints
  std::filesystem::path run_folder;                    ///< empty: runs/<name of the output>
  std::string device = "cpu";
};

struct TrainResult {
  std::filesystem::path output;
  nlohmann::json report;  ///< iterations, loss_first, loss_last, seconds, …
};

/// @throws Error: kInput for missing or unreadable images, kNonFinite for NaN or divergence (names the
///         last checkpoint before it showed), kInterrupted after Ctrl-C (says how to resume), kIncompatible
///         when --resume does not fit, kUsage for a new run in a folder that holds an earlier run's
///         checkpoints
TrainResult run_train(TrainRequest request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
