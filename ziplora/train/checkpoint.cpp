#include "ziplora/train/checkpoint.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "ziplora/base/error.h"
#include "ziplora/io/json_file.h"

namespace ziplora {
namespace {

constexpr std::string_view kFormat = "ziplora.training_checkpoint.1";
constexpr std::string_view kPrefix = "checkpoint-", kSuffix = ".safetensors";

void insert_with_prefix(NamedTensors& target, const std::string& prefix, const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) target[prefix + name] = tensor;
}

}  // namespace

std::filesystem::path checkpoint_path(const std::filesystem::path& run_folder, int64_t iteration) {
  return run_folder / fmt::format("{}{:06}{}", kPrefix, iteration, kSuffix);
}

std::optional<std::filesystem::path> latest_checkpoint(const std::filesystem::path& run_folder) {
  std::optional<std::filesystem::path> latest;
  int64_t latest_iteration = -1;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(run_folder, missing)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    const std::string digits = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
    if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string::npos)
      continue;
    const int64_t iteration = std::stoll(digits);
    if (iteration > latest_iteration) latest_iteration = iteration, latest = entry.path();
  }
  return latest;
}

void write_checkpoint(const std::filesystem::path& path, const TrainingCheckpoint& checkpoint) {
  NamedTensors tensors;
  insert_with_prefix(tensors, "factor.", checkpoint.factors);
  insert_with_prefix(tensors, "optimizer.", checkpoint.optimizer);
  write_safetensors(path, tensors,
                    {{"ziplora.format", std::string(kFormat)},
                     {"ziplora.iteration", std::to_string(checkpoint.iteration)},
                     {"ziplora.settings", json_line(checkpoint.settings)}});
}

TrainingCheckpoint read_checkpoint(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  auto format = file.metadata().find("ziplora.format");
  if (format == file.metadata().end() || format->second != kFormat)
    throw Error(ErrorKind::kInput, "train: " + path.string(), "not a training checkpoint",
                "give --resume a run folder, or one of its checkpoint-*.safetensors");
  TrainingCheckpoint checkpoint;
  try {
    checkpoint.iteration = std::stoll(file.metadata().at("ziplora.iteration"));
    checkpoint.settings = nlohmann::json::parse(file.metadata().at("ziplora.settings"));
  } catch (const std::exception& problem) {
    throw Error(ErrorKind::kInput, "train: " + path.string(),
                fmt::format("the checkpoint's metadata cannot be read: {}", problem.what()),
                "resume from an earlier checkpoint of the run folder");
  }
  for (const auto& [name, info] : file.tensors()) {
    if (name.starts_with("factor."))
      checkpoint.factors[name.substr(7)] = file.tensor(name);
    else if (name.starts_with("optimizer."))
      checkpoint.optimizer[name.substr(10)] = file.tensor(name);
    else
      throw Error(ErrorKind::kInput, "train: " + path.string(), fmt::format("unexpected tensor '{}'", name),
                  "resume from a folder that ziplora train wrote");
  }
  return checkpoint;
}

}  // namespace ziplora
