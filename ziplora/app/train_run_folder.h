#pragma once
/// The folder that a training run leaves beside its LoRA file: config.json, metrics.jsonl, checkpoints,
/// sample images, class images.
///
///     TrainRunFolder folder("runs/dog", remembered_request(request, paths, settings));
///     folder.open();                        // where something will be kept for sure
///     folder.record(10, {{"loss", 0.12}});
///     folder.save_checkpoint(state);        // makes the folder if nothing else has
///
/// A folder that is not opened gets no metrics and stays absent, unless an interrupted run saves its
/// checkpoint.

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "ziplora/base/progress.h"
#include "ziplora/train/checkpoint.h"

namespace ziplora {

class TrainRunFolder {
 public:
  /// @param config  written to config.json and into every checkpoint (train_resume.h)
  TrainRunFolder(std::filesystem::path path, nlohmann::json config);

  /// @throws Error(kUsage) if an earlier run left a checkpoint here, which a new run would be mixed up with
  void require_new() const;

  /// Writes config.json and begins an empty metrics.jsonl.
  void open();
  /// The same for a run that goes on from a checkpoint: what metrics.jsonl says of later iterations is
  /// dropped.
  void reopen(const std::filesystem::path& checkpoint, int64_t iteration);
  bool is_open() const { return is_open_; }

  void record(int64_t iteration, const Metrics& metrics) const;
  void save_checkpoint(TrainingCheckpoint checkpoint);
  /// @param prompt, seed  stored in the PNG
  void save_sample(int64_t iteration, const at::Tensor& image, const std::string& prompt,
                   uint64_t seed) const;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path class_images() const { return path_ / "class_images"; }
  /// The one that was saved last, or that the run goes on from.
  const std::optional<std::filesystem::path>& last_checkpoint() const { return last_checkpoint_; }

 private:
  void write_config() const;
  std::filesystem::path metrics_file() const { return path_ / "metrics.jsonl"; }

  std::filesystem::path path_;
  nlohmann::json config_;
  bool is_open_ = false;
  std::optional<std::filesystem::path> last_checkpoint_;
};

}  // namespace ziplora
