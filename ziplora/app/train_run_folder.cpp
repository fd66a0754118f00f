#include "ziplora/app/train_run_folder.h"

#include <fmt/format.h>

#include <cstdint>
#include <sstream>

#include "ziplora/base/atomic_file.h"
#include "ziplora/base/error.h"
#include "ziplora/base/read_file.h"
#include "ziplora/base/temporary_folder.h"
#include "ziplora/io/image_file.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/json_lines.h"

namespace ziplora {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLockedHint = "wait for its end, or name another folder with --run-folder";

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
  std::istringstream lines(fs::exists(metrics) ? read_file(metrics) : "");
  while (std::getline(lines, line)) {
    const nlohmann::json entry = parse_json(line).value_or(nullptr);
    if (entry.is_object() && entry.value("iteration", INT64_MAX) <= iteration) kept += line + "\n";
  }
  return kept;
}

}  // namespace

TrainRunFolder::TrainRunFolder(fs::path path, nlohmann::json config)
    : path_(std::move(path)), config_(std::move(config)) {}

void TrainRunFolder::require_new() const {
  if (std::error_code unseen; fs::is_directory(path_, unseen)) const FolderLock trial(path_, kLockedHint);
  if (const auto earlier = latest_checkpoint(path_))
    throw Error(
        ErrorKind::kUsage, "train",
        fmt::format("{} belongs to an earlier run, which this one would be mixed up with", earlier->string()),
        fmt::format("go on with that run (--resume {0}), name another folder (--run-folder), or remove {0}",
                    path_.string()));
}

void TrainRunFolder::open() {
  take();
  write_text_file(metrics_file(), "");
  is_open_ = true;
}

void TrainRunFolder::reopen(const fs::path& file, const TrainingCheckpoint& checkpoint) {
  take();
  write_text_file(metrics_file(), lines_up_to(metrics_file(), checkpoint.iteration));
  last_checkpoint_ = file;
  // A copy under another name is the user's.
  if (checkpoint.until_safe && file == checkpoint_path(path_, checkpoint.iteration)) until_safe_ = file;
  is_open_ = true;
}

void TrainRunFolder::take() {
  std::error_code unseen;
  for (fs::path folder = path_; !folder.empty() && !fs::exists(folder, unseen); folder = folder.parent_path())
    made_.push_back(folder);
  create_folder(path_);
  lock_ = std::make_unique<FolderLock>(path_, kLockedHint);
  write_json_file(path_ / "config.json", config_);
}

void TrainRunFolder::record(int64_t iteration, const Metrics& metrics) const {
  if (!is_open_) return;
  nlohmann::json entry{{"iteration", iteration}};
  for (const auto& [name, value] : metrics) entry[name] = value;
  append_json_line(metrics_file(), entry, "--run-folder");
}

void TrainRunFolder::save_checkpoint(TrainingCheckpoint checkpoint) {
  if (!lock_) take();
  const fs::path file = checkpoint_path(path_, checkpoint.iteration);
  // A state that is saved for good stays so.
  if (checkpoint.until_safe && last_checkpoint_ == file && (saved_any_ || until_safe_ != file)) return;
  checkpoint.settings = config_;
  write_checkpoint(file, checkpoint);
  std::error_code ignored;  // a checkpoint too many does no harm
  if (until_safe_ && until_safe_ != file) fs::remove(*until_safe_, ignored);
  until_safe_ = checkpoint.until_safe ? std::optional(file) : std::nullopt;
  last_checkpoint_ = file;
  saved_any_ = true;
}

fs::path TrainRunFolder::keep(TrainingCheckpoint checkpoint) {
  try {
    save_checkpoint(checkpoint);
    return path_;
  } catch (const Error&) {
    // Often the disk that was too full for the result.
  }
  const fs::path file = checkpoint_path(new_temporary_folder("ziplora-kept"), checkpoint.iteration);
  checkpoint.settings = config_;
  write_checkpoint(file, checkpoint);
  return file;
}

void TrainRunFolder::result_is_safe() {
  std::error_code ignored;  // what cannot be removed does no harm
  if (until_safe_) fs::remove(*until_safe_, ignored);
  const bool has_something = is_open_ || !lock_ || made_.empty();
  lock_.reset();
  if (has_something) return;
  fs::remove(path_ / "config.json", ignored);
  for (const fs::path& folder : made_) fs::remove(folder, ignored);  // only if it is empty
}

void TrainRunFolder::save_sample(int64_t iteration, const at::Tensor& image, const std::string& prompt,
                                 uint64_t seed) const {
  const fs::path folder = path_ / "samples";
  create_folder(folder);
  write_png(folder / fmt::format("sample-{:06}.png", iteration), image,
            {{"parameters", json_line({{"prompt", prompt}, {"seed", seed}})}});
}

}  // namespace ziplora
