#pragma once
/// The folder that a training run leaves beside its LoRA file: config.json, metrics.jsonl, checkpoints,
/// sample images, class images.
///
///     TrainRunFolder folder("runs/dog", remembered_request(request, paths, settings));
///     folder.open();                        // where something will be kept for sure
///     folder.record(10, {{"loss", 0.12}});
///     folder.save_checkpoint(state);        // makes the folder if nothing else has
///
/// A folder that is not opened gets no metrics and stays absent, unless a checkpoint must be saved lest work be
/// lost. Those that are marked `until_safe` go, and with them a folder that was made for them, once the result
/// is safe.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "ziplora/base/folder_lock.h"
#include "ziplora/base/progress.h"
#include "ziplora/train/checkpoint.h"

namespace ziplora {

class TrainRunFolder {
 public:
  /// @param config  written to config.json and into every checkpoint (train_resume.h)
  TrainRunFolder(std::filesystem::path path, nlohmann::json config);

  /// @throws Error(kUsage) if an earlier run left a checkpoint here, which a new run would be mixed up with;
  ///         Error(kFailed) if one is at work here
  void require_new() const;

  /// Writes config.json and begins an empty metrics.jsonl.
  void open();
  /// The same for a run that goes on from a checkpoint: what metrics.jsonl says of later iterations is
  /// dropped.
  void reopen(const std::filesystem::path& file, const TrainingCheckpoint& checkpoint);
  bool is_open() const { return is_open_; }

  void record(int64_t iteration, const Metrics& metrics) const;
  void save_checkpoint(TrainingCheckpoint checkpoint);
  /// Saves it wherever there is room: here, or else in a new folder for temporary files.
  /// @return what to resume from: this folder, or the checkpoint that lies elsewhere
  std::filesystem::path keep(TrainingCheckpoint checkpoint);
  /// Removes what was saved only lest work be lost.
  void result_is_safe();
  /// @param prompt, seed  stored in the PNG
  void save_sample(int64_t iteration, const at::Tensor& image, const std::string& prompt,
                   uint64_t seed) const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path class_images() const { return path_ / "class_images"; }
  /// The one that was saved last, or that the run goes on from.
  const std::optional<std::filesystem::path>& last_checkpoint() const { return last_checkpoint_; }

 private:
  /// Makes the folder, unless it is there, and locks it.
  void take();
  std::filesystem::path metrics_file() const { return path_ / "metrics.jsonl"; }

  std::filesystem::path path_;
  nlohmann::json config_;
  bool is_open_ = false;
  std::unique_ptr<FolderLock> lock_;         ///< from the first file on
  std::vector<std::filesystem::path> made_;  ///< folders that were not there before, inner ones first
  std::optional<std::filesystem::path> last_checkpoint_, until_safe_;
  bool saved_any_ = false;
};

}  // namespace ziplora
