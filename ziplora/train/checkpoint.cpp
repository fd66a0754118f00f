#include "ziplora/train/checkpoint.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "ziplora/base/error.h"
#include "ziplora/base/parse_number.h"
#include "ziplora/io/json_bytes.h"
#include "ziplora/io/json_file.h"
#include "ziplora/io/sealed_safetensors.h"

namespace ziplora {
namespace {

/// The first version had no seal.
constexpr const char *kAnyFormat = "ziplora.training_checkpoint.", *kFormat = "ziplora.training_checkpoint.2";
constexpr const char *kFormatKey = "ziplora.format", *kIterationKey = "ziplora.iteration",
                     *kSettingsKey = "ziplora.settings", *kUntilSafeKey = "ziplora.until_safe";
constexpr const char* kYes = "yes";
constexpr const char* kElsewhere = "resume from an earlier checkpoint of the run folder, or start anew";
constexpr std::string_view kPrefix = "checkpoint-", kSuffix = ".safetensors";

void insert_with_prefix(NamedTensors& target, const std::string& prefix, const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) target[prefix + name] = tensor;
}

/// Digits and nothing else: no sign, no exponent, no tail.
std::optional<int64_t> whole_number(std::string_view text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  return parse_number<int64_t>(text);
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
    const std::optional<int64_t> iteration = whole_number(digits);
    if (iteration && *iteration > latest_iteration) latest_iteration = *iteration, latest = entry.path();
  }
  return latest;
}

void write_checkpoint(const std::filesystem::path& path, const TrainingCheckpoint& checkpoint) {
  NamedTensors tensors;
  insert_with_prefix(tensors, "factor.", checkpoint.factors);
  insert_with_prefix(tensors, "optimizer.", checkpoint.optimizer);
  write_sealed_safetensors(path, tensors,
                           {{kFormatKey, kFormat},
                            {kIterationKey, std::to_string(checkpoint.iteration)},
                            {kSettingsKey, json_line(spell_bytes(checkpoint.settings))},
                            {kUntilSafeKey, checkpoint.until_safe ? kYes : "no"}});
}

TrainingCheckpoint read_checkpoint(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  const std::string where = "train: " + path.string();
  if (!file.metadata_text(kFormatKey).starts_with(kAnyFormat))
    throw Error(ErrorKind::kInput, where, "not a training checkpoint",
                "give --resume a run folder, or one of its checkpoint-*.safetensors");
  require_seal(file, where, kElsewhere);
  const std::optional<int64_t> iteration = whole_number(file.metadata_text(kIterationKey));
  const std::optional<nlohmann::json> settings = parse_json(file.metadata_text(kSettingsKey));
  if (file.metadata_text(kFormatKey) != kFormat || !iteration || !settings)
    throw Error(ErrorKind::kInput, where,
                fmt::format("the checkpoint's metadata cannot be read: format '{}', iteration '{}'",
                            file.metadata_text(kFormatKey), file.metadata_text(kIterationKey)),
                kElsewhere);
  TrainingCheckpoint checkpoint{.iteration = *iteration,
                                .settings = restore_bytes(*settings),
                                .until_safe = file.metadata_text(kUntilSafeKey) == kYes};
  for (const auto& [name, info] : file.tensors()) {
    if (name.starts_with("factor."))
      checkpoint.factors[name.substr(7)] = file.tensor(name);
    else if (name.starts_with("optimizer."))
      checkpoint.optimizer[name.substr(10)] = file.tensor(name);
    else
      throw Error(ErrorKind::kInput, where, fmt::format("unexpected tensor '{}'", name),
                  "resume from a folder that ziplora train wrote");
  }
  return checkpoint;
}

}  // namespace ziplora
