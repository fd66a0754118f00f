#pragma once
/// The use case behind `ziplora train`: images and a prompt in, a LoRA file out. Loads the base, encodes
/// images and prompts once, draws class images where asked, trains, and keeps the run folder.
///
///     TrainRequest request;
///     request.images = {"photos/"};
///     request.prompt = "a sks dog";
///     request.output = "dog.safetensors";
///     TrainResult result = run_train(request, progress, cancel);
///
/// The run folder (train_run_folder.h) exists only where something is kept in it: checkpoints, samples or
/// class images. A checkpoint by time, Ctrl-C and errors make one, too; from its checkpoint `resume` goes on bit
/// for bit. Once the LoRA file is written, what was saved only for that is removed.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/app/train_settings.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/data/image_folder.h"
#include "ziplora/team/team.h"

namespace ziplora {

struct TrainRequest {
  /// Files and folders, as data/image_folder.h reads them; `dog.txt` beside `dog.png` is its caption.
  std::vector<std::filesystem::path> images;
  std::string prompt;  ///< the instance prompt, for images without a caption
  std::filesystem::path output;
  std::optional<std::filesystem::path> base;           ///< absent: the miniature
  nlohmann::json settings = nlohmann::json::object();  ///< what was asked for, by names of train_settings.h
  std::optional<std::filesystem::path> resume;         ///< a run folder or one of its checkpoints
  std::filesystem::path run_folder;                    ///< empty: runs/<name of the output>
  std::string device = "cpu";
  /// Who shares the work, each process with this same request; the leader alone writes. A batch size counts the images of
  /// one process; what is written records that of all.
  Team* team = &nobody_else();
};

/// Where a loss began and where it ended: means over its first and last ten iterations.
struct LossCourse {
  double first = 0, last = 0;
};

struct TrainResult {
  std::filesystem::path output;
  TrainSettings settings;  ///< as resolved
  int64_t iterations = 0;  ///< in all, those before a resume included
  int64_t images = 0, class_images = 0;
  int64_t captions = 0;            ///< images with one of their own; the others got the prompt
  std::vector<UnusedFile> unused;  ///< what lies in the folders beside images and captions
  int64_t layers = 0;              ///< that the file holds
  LossCourse loss;                 ///< of this process's iterations
  LossCourse instance_loss;        ///< of the images alone, without the class images
  double seconds = 0;
  int64_t peak_memory_bytes = 0;
  std::optional<std::filesystem::path> run_folder;  ///< absent: none was kept
};
nlohmann::json to_json(const TrainResult& result);

/// @return for a process that does not lead: no result
/// @throws Error: kInput for missing or unreadable images; kNonFinite for NaN or divergence (names the last
///         checkpoint before it showed); kInterrupted after Ctrl-C (says how to resume); kIncompatible if
///         `resume` does not fit; kUsage for a new run in a folder that holds an earlier run's checkpoints
TrainResult run_train(TrainRequest request, ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora
