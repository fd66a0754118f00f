#pragma once
/// The settings of a training run as one table: names, help, ranges and defaults. Flags, JSON (config files,
/// checkpoints, a base's training_defaults.json) and validation all come from it.
///
/// Defaults are the paper's for SDXL (ZipLoRA, arXiv 2311.13600, section 4: rank 64, Adam, lr 5e-5, batch 1,
/// 1000 iterations). A base folder may bring its own in `training_defaults.json`, as the miniature does;
/// flags win over both.
///
///     TrainSettings settings = resolve_train_settings("assets/mini", {{"rank", 4}});

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ziplora/lora/adapter_file.h"

namespace ziplora {

struct TrainSettings {
  int64_t rank = 64;
  std::optional<double> alpha;  ///< lora_alpha; absent: the rank, which makes the scale 1
  std::string targets = "attention";
  std::string optimizer = "adam";
  double lr = 5e-5;
  double weight_decay = 0.0;
  std::string lr_schedule = "constant";
  int64_t warmup = 0;
  double max_grad_norm = 1.0;
  int64_t iterations = 1000;
  int64_t batch_size = 1;
  int64_t gradient_accumulation = 1;
  bool gradient_checkpointing = false;
  int64_t resolution = 0;
  bool random_crop = false;
  bool random_flip = false;
  double zoom = 1.0;
  bool buckets = false;
  int64_t views = 16;
  bool vae_tiling = false;
  std::vector<std::string> class_prompt;
  int64_t prior_images = 100;  ///< where there is a class prompt; diffusers' number
  double prior_weight = 1.0;
  std::optional<double> min_snr_gamma;
  double noise_offset = 0.0;
  int64_t seed = 0;
  at::ScalarType dtype = at::kFloat;
  int64_t checkpoint_every = 0;
  double checkpoint_minutes = 5;
  int64_t sample_every = 0;
  std::string sample_prompt;
  std::string format = WriteOptions{}.format;
  at::ScalarType file_dtype = WriteOptions{}.dtype;

  /// How many class images there are: none without a prompt to draw them from.
  int64_t num_class_images() const { return class_prompt.empty() ? 0 : prior_images; }
};

/// What a setting decides, and so whether a resumed run may change it.
enum class SettingScope {
  kCourse,  ///< how the factors move: fixed for the whole run, and named in the written file
  kLength,  ///< for how long: a resumed run may go on for longer
  kOutput,  ///< what is written, when and how: free
};

struct TrainSetting {
  using Member = std::variant<int64_t TrainSettings::*, double TrainSettings::*, bool TrainSettings::*,
                              std::string TrainSettings::*, std::vector<std::string> TrainSettings::*,
                              std::optional<double> TrainSettings::*, at::ScalarType TrainSettings::*>;
  const char* name;  ///< in JSON; the flag has '-' for '_'
  const char* help;
  Member member;
  double minimum = -std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};
  SettingScope scope = SettingScope::kCourse;
  double maximum = 1e12;  ///< smaller for what takes memory by its number

  std::string flag() const;
};

const std::vector<TrainSetting>& train_settings_table();
/// @return nullptr for an unknown name
const TrainSetting* find_train_setting(const std::string& name);

nlohmann::json to_json(const TrainSettings& settings);
/// Without those of scope kOutput: what reports and the written file say of the run.
nlohmann::json course_to_json(const TrainSettings& settings);

/// Sets the fields that `values` names.
/// @param where  the file or flag they come from, for messages
/// @throws Error(kUsage) for unknown names and choices (proposing the nearest), wrong types, and values out
///         of range
void apply_train_settings(TrainSettings& settings, const nlohmann::json& values, const std::string& where);

/// Struct defaults < the base folder's training_defaults.json < overrides.
TrainSettings resolve_train_settings(const std::filesystem::path& base, const nlohmann::json& overrides);

}  // namespace ziplora
