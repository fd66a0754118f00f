#include "ziplora/app/train_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "ziplora/base/dtype_name.h"
#include "ziplora/base/error.h"
#include "ziplora/base/nearest_name.h"
#include "ziplora/io/json_file.h"
#include "ziplora/lora/key_dialects.h"
#include "ziplora/optim/lr_schedule.h"
#include "ziplora/train/trained_targets.h"

namespace ziplora {
namespace {

std::vector<std::string> lr_schedule_names() {
  std::vector<std::string> names;
  for (const LrSchedule& schedule : lr_schedules()) names.emplace_back(schedule.name);
  return names;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const KeyDialect& dialect : key_dialects())
    if (dialect.write) names.emplace_back(dialect.name);
  return names;
}

/// One value into one field, with its type and range checked.
struct SetField {
  TrainSettings& settings;
  const TrainSetting& setting;
  const nlohmann::json& value;
  const std::string& where;

  void operator()(int64_t TrainSettings::*member) const {
    require(value.is_number_integer(), "a whole number");
    checked(value.get<double>());  // before a number beyond int64 wraps around
    settings.*member = value.get<int64_t>();
  }
  void operator()(double TrainSettings::*member) const {
    require(value.is_number(), "a number");
    settings.*member = checked(value.get<double>());
  }
  void operator()(std::optional<double> TrainSettings::*member) const {
    if (value.is_null()) return (void)(settings.*member).reset();
    require(value.is_number(), "a number");
    settings.*member = checked(value.get<double>());
  }
  void operator()(bool TrainSettings::*member) const {
    require(value.is_boolean(), "true or false");
    settings.*member = value.get<bool>();
  }
  void operator()(std::string TrainSettings::*member) const {
    require(value.is_string(), "text");
    const auto text = value.get<std::string>();
    const auto& choices = setting.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), text) == choices.end())
      throw unknown_name(where + ": " + setting.flag(), text, choices);
    settings.*member = text;
  }

  void operator()(at::ScalarType TrainSettings::*member) const {
    require(value.is_string(), "text");
    settings.*member = parse_dtype(value.get<std::string>(), where + ": " + setting.flag());
  }

  /// One text may stand for a list of one, as configs of a single prompt have it.
  void operator()(std::vector<std::string> TrainSettings::*member) const {
    const bool is_list = value.is_array() && std::ranges::all_of(value, &nlohmann::json::is_string);
    require(value.is_string() || is_list, "text or a list of texts");
    settings.*member = value == ""         ? std::vector<std::string>{}
                       : value.is_string() ? std::vector{value.get<std::string>()}
                                           : value.get<std::vector<std::string>>();
  }

  void require(bool holds, const char* expected) const {
    if (!holds)
      throw Error(ErrorKind::kUsage, where,
                  fmt::format("{} is {}, expected {}", setting.name, json_line(value), expected),
                  "change " + setting.flag());
  }
  double checked(double number) const {
    if (!(number >= setting.minimum))
      throw Error(
          ErrorKind::kUsage, where,
          fmt::format("{} is {}, expected at least {}", setting.name, json_line(value), setting.minimum),
          "change " + setting.flag());
    if (number > setting.maximum)
      throw Error(
          ErrorKind::kUsage, where,
          fmt::format("{} is {}, expected at most {}", setting.name, json_line(value), setting.maximum),
          "change " + setting.flag());
    return number;
  }
};

}  // namespace

std::string TrainSetting::flag() const {
  std::string flag = name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return "--" + flag;
}

const std::vector<TrainSetting>& train_settings_table() {
  using S = TrainSettings;
  using enum SettingScope;
  static const std::vector<TrainSetting> table = {
      {"rank", "Set the rank of the LoRA", &S::rank, 1, {}, kCourse, 16'384},
      {"alpha", "Set lora_alpha; the LoRA's scale is alpha / rank (default: the rank)", &S::alpha, 0},
      {"targets",
       "Train q, k, v and out of every attention, those of cross-attention alone, or every linear layer of "
       "the transformers",
       &S::targets, 0, trained_targets_names()},
      {"optimizer", "Update the factors by this rule", &S::optimizer, 0, {"adam", "adamw"}},
      {"lr", "Set the learning rate", &S::lr, 0},
      {"weight_decay", "Decay the factors: decoupled with adamw, added to the gradient with adam",
       &S::weight_decay, 0},
      {"lr_schedule", "Keep the learning rate constant or let it fall to 0", &S::lr_schedule, 0,
       lr_schedule_names()},
      {"warmup", "Raise the learning rate from 0 over this many iterations", &S::warmup, 0},
      {"max_grad_norm", "Clip the gradient's norm to this; 0 does not clip", &S::max_grad_norm, 0},
      {"iterations", "Update the factors this many times", &S::iterations, 0, {}, kLength},
      {"batch_size", "Pass this many images through the UNet at once", &S::batch_size, 1, {}, kCourse, 4096},
      {"gradient_accumulation",
       "Sum the gradients of this many passes before each update",
       &S::gradient_accumulation,
       1,
       {},
       kCourse,
       1'000'000},
      {"gradient_checkpointing", "Recompute activations in the backward pass: less memory, more time",
       &S::gradient_checkpointing},
      {"resolution", "Train at this many pixels a side; 0 takes the base's own resolution", &S::resolution,
       0},
      {"random_crop", "Crop at random places; the time ids tell the base where", &S::random_crop},
      {"random_flip", "Mirror half of the views", &S::random_flip},
      {"zoom",
       "Crop at random from the whole image down to 1/FLOAT of its side, so that a style's only image is "
       "seen in parts, large and small",
       &S::zoom, 1},
      {"buckets", "Keep each image's aspect ratio, in buckets of about equal area", &S::buckets},
      {"views",
       "Cache this many random crops, zooms and flips of each image",
       &S::views,
       1,
       {},
       kCourse,
       10'000},
      {"vae_tiling", "Encode large images in tiles: less memory, faint seams", &S::vae_tiling},
      {"class_prompt",
       "Preserve what the base draws for this prompt, the one without the rare word (\"a dog\"); repeat it "
       "for more prompts, which the class images show in turn",
       &S::class_prompt},
      {"prior_images",
       "Let the base draw this many class images, which the run folder keeps",
       &S::prior_images,
       0,
       {},
       kCourse,
       100'000},
      {"prior_weight", "Weigh the loss of the class images by this", &S::prior_weight, 0},
      {"min_snr_gamma", "Weigh the loss by min-SNR with this gamma, usually 5 (default: off)",
       &S::min_snr_gamma, 0},
      {"noise_offset", "Add a random constant of this standard deviation to each channel's noise",
       &S::noise_offset, 0},
      {"seed", "Seed every random draw", &S::seed, 0},
      {"dtype", "Run the base in this type; the factors learn in float32", &S::dtype, 0, dtype_names()},
      {"checkpoint_every",
       "Save a checkpoint every INT iterations, and keep them; 0 saves none",
       &S::checkpoint_every,
       0,
       {},
       kOutput},
      {"checkpoint_minutes",
       "Save a checkpoint every FLOAT minutes, and keep the last until the LoRA is written; 0 saves none",
       &S::checkpoint_minutes,
       0,
       {},
       kOutput},
      {"sample_every",
       "Draw a sample image every INT iterations; 0 draws none",
       &S::sample_every,
       0,
       {},
       kOutput},
      {"sample_prompt",
       "Draw the sample images for this prompt (default: --prompt)",
       &S::sample_prompt,
       0,
       {},
       kOutput},
      {"format", "Write the file in this dialect of key names", &S::format, 0, format_names(), kOutput},
      {"file_dtype", "Write the factors in this type", &S::file_dtype, 0, dtype_names(), kOutput},
  };
  return table;
}

const TrainSetting* find_train_setting(const std::string& name) {
  const auto found = std::ranges::find(train_settings_table(), name, &TrainSetting::name);
  return found == train_settings_table().end() ? nullptr : &*found;
}

nlohmann::json to_json(const TrainSettings& settings) {
  nlohmann::json json = nlohmann::json::object();
  for (const TrainSetting& setting : train_settings_table())
    std::visit(
        [&](auto member) {
          if constexpr (std::is_same_v<decltype(member), std::optional<double> TrainSettings::*>) {
            if (settings.*member)
              json[setting.name] = *(settings.*member);
            else
              json[setting.name] = nullptr;
          } else if constexpr (std::is_same_v<decltype(member), at::ScalarType TrainSettings::*>) {
            json[setting.name] = dtype_name(settings.*member);
          } else {
            json[setting.name] = settings.*member;
          }
        },
        setting.member);
  return json;
}

nlohmann::json course_to_json(const TrainSettings& settings) {
  nlohmann::json json = to_json(settings);
  for (const TrainSetting& setting : train_settings_table())
    if (setting.scope == SettingScope::kOutput) json.erase(setting.name);
  return json;
}

void apply_train_settings(TrainSettings& settings, const nlohmann::json& values, const std::string& where) {
  if (!values.is_object())
    throw Error(ErrorKind::kUsage, where, "expected a JSON object of settings",
                R"(for example {"rank": 8, "lr": 1e-3})");
  for (const auto& [name, value] : values.items()) {
    const TrainSetting* setting = find_train_setting(name);
    if (!setting) {
      std::vector<std::string> known;
      for (const TrainSetting& row : train_settings_table()) known.emplace_back(row.name);
      throw unknown_name(where, name, known);
    }
    std::visit(SetField{settings, *setting, value, where}, setting->member);
  }
}

namespace {

/// What each setting alone does not show.
void require_consistent(const TrainSettings& settings, const nlohmann::json& overrides) {
  const auto refuse = [](const char* problem, const char* hint) {
    throw Error(ErrorKind::kUsage, "train", problem, hint);
  };
  if (settings.zoom > 16)
    refuse("--zoom is above 16: views of less than a sixteenth of the side show nothing of a style",
           "for example --zoom 2");
  // A base's defaults may ask for class images; whether there is a class prompt is the user's choice.
  if (settings.prior_images > 0 && settings.class_prompt.empty() && !overrides.contains("class_prompt") &&
      overrides.contains("prior_images"))
    refuse("--prior-images needs a prompt to draw them from", "add --class-prompt \"a dog\"");
  if (settings.prior_images == 0 && !settings.class_prompt.empty())
    refuse("--class-prompt is given, but --prior-images 0 asks for no class images",
           "leave one of them out, or ask for --prior-images 100");
}

}  // namespace

TrainSettings resolve_train_settings(const std::filesystem::path& base, const nlohmann::json& overrides) {
  TrainSettings settings;
  const std::filesystem::path defaults = base / "training_defaults.json";
  if (std::filesystem::exists(defaults))
    apply_train_settings(settings, read_json_file(defaults), "train: " + defaults.string());
  apply_train_settings(settings, overrides, "train");
  require_consistent(settings, overrides);
  return settings;
}

}  // namespace ziplora
