#include "ziplora/app/train_run_folder.h"

#include <fmt/format.h>

#include <cstdint>
#include <fstream>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/json_lines.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

void create_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem)
    throw Error(ErrorKind::kFailed, "train: the run folder " + folder.string(), problem.message(),
                "choose a folder you can write to with --run-folder");
}

/// The lines of a metrics.jsonl up to an iteration, without any that a crash left half-written.
std::string lines_up_to(const fs::path& metrics, int64_t iteration) {
  std::string kept, line;
  for (std::ifstream file(metrics); std::getline(file, line);) {
    const nlohmann::json entry = parse_json(line).value_or(nullptr);
    if (entry.is_object() && entry.value("iteration", INT64_MAX) <= iteration) kept += line + "\n";
  }
  return kept;
}

}  // namespace

TrainRunFolder::TrainRunFolder(fs::path path, nlohmann::json config)
    : path_(std::move(path)), config_(std::move(config)) {}

void TrainRunFolder::require_new() const {
  if (const auto earlier = latest_checkpoint(path_))
    throw Error(
        ErrorKind::kUsage, "train",
        fmt::format("{} belongs to an earlier run, which this one would be mixed up with", earlier->string()),
        fmt::format("go on with that run (--resume {0}), name another folder (--run-folder), or remove {0}",
                    path_.string()));
}

void TrainRunFolder::open() {
  write_config();
  write_text_file(metrics_file(), "");
  is_open_ = true;
}

void TrainRunFolder::reopen(const fs::path& checkpoint, int64_t iteration) {
  write_config();
  write_text_file(metrics_file(), lines_up_to(metrics_file(), iteration));
  last_checkpoint_ = checkpoint;
  is_open_ = true;
}

void TrainRunFolder::write_config() const {
  create_folder(path_);
  write_json_file(path_ / "config.json", config_);
}

void TrainRunFolder::record(int64_t iteration, const Metrics& metrics) const {
  if (!is_open_) return;
  nlohmann::json entry{{"iteration", iteration}};
  for (const auto& [name, value] : metrics) entry[name] = value;
  append_json_line(metrics_file(), entry, "--run-folder");
}

void TrainRunFolder::save_checkpoint(TrainingCheckpoint checkpoint) {
  if (!is_open_) write_config();
  checkpoint.settings = config_;
  const fs::path file = checkpoint_path(path_, checkpoint.iteration);
  write_checkpoint(file, checkpoint);
  last_checkpoint_ = file;
}

void TrainRunFolder::save_sample(int64_t iteration, const at::Tensor& image, const std::string& prompt,
                                 uint64_t seed) const {
  const fs::path folder = path_ / "samples";
  create_folder(folder);
  write_png(folder / fmt::format("sample-{:06}.png", iteration), image,
            {{"parameters", json_line({{"prompt", prompt}, {"seed", seed}})}});
}

}  // namespace ziplora
