#include "ziplora/train/training_metadata.h"
#include "ziplora/io/json_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace ziplora {
namespace {

/// Comma-separated tags, each counted once for every image.
nlohmann::json tag_frequency(const std::map<std::string, int64_t>& images_of_caption) {
  nlohmann::json tags = nlohmann::json::object();
  for (const auto& [caption, images] : images_of_caption) {
    size_t begin = 0;
    while (begin <= caption.size()) {
      const size_t end = std::min(caption.find(',', begin), caption.size());
      std::string tag = caption.substr(begin, end - begin);
      tag.erase(0, tag.find_first_not_of(' '));
      tag.erase(tag.find_last_not_of(' ') + 1);
      if (!tag.empty()) tags[tag] = tags.value(tag, int64_t{0}) + images;
      begin = end + 1;
    }
  }
  return tags;
}

/// kohya writes numbers as text and an absent value as "None".
std::string text_of(const nlohmann::json& value) {
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  return value.is_string() ? value.get<std::string>() : json_line(value);
}

}  // namespace

StringMap training_metadata(const TrainingFacts& facts) {
  const nlohmann::json& settings = facts.settings;
  const nlohmann::json alpha = settings.at("alpha").is_null() ? settings.at("rank") : settings.at("alpha");
  StringMap metadata{
      {"ziplora.prompt", facts.instance_prompt},
      {"ziplora.training", json_line(settings)},
      {"modelspec.trigger_phrase", facts.instance_prompt},
      {"modelspec.prediction_type", facts.v_prediction ? "v" : "epsilon"},
      {"ss_v2", "False"},
      {"ss_base_model_version", "sdxl_base_v1-0"},
      {"ss_network_module", "networks.lora"},
      {"ss_network_dim", text_of(settings.at("rank"))},
      {"ss_network_alpha", text_of(alpha)},
      {"ss_network_args", "{}"},
      {"ss_output_name", facts.output_name},
      {"ss_sd_model_name", facts.base_name},
      {"ss_tag_frequency", json_line({{"instance", tag_frequency(facts.images_of_caption)}})},
      {"ss_dataset_dirs", json_line({{"instance", {{"n_repeats", 1}, {"img_count", facts.num_images}}}})},
      {"ss_num_train_images", std::to_string(facts.num_images)},
      {"ss_num_reg_images", std::to_string(facts.num_class_images)},
      {"ss_steps", std::to_string(facts.iterations)},
      {"ss_resolution", fmt::format("({}, {})", facts.resolution, facts.resolution)},
  };
  static const std::map<std::string, std::string> kKeyOfSetting{
      {"lr", "ss_learning_rate"},
      {"optimizer", "ss_optimizer"},
      {"lr_schedule", "ss_lr_scheduler"},
      {"warmup", "ss_lr_warmup_steps"},
      {"iterations", "ss_max_train_steps"},
      {"batch_size", "ss_batch_size_per_device"},
      {"gradient_accumulation", "ss_gradient_accumulation_steps"},
      {"gradient_checkpointing", "ss_gradient_checkpointing"},
      {"max_grad_norm", "ss_max_grad_norm"},
      {"min_snr_gamma", "ss_min_snr_gamma"},
      {"noise_offset", "ss_noise_offset"},
      {"prior_weight", "ss_prior_loss_weight"},
      {"buckets", "ss_enable_bucket"},
      {"seed", "ss_seed"},
  };
  for (const auto& [setting, key] : kKeyOfSetting) metadata[key] = text_of(settings.at(setting));
  metadata["ss_unet_lr"] = metadata["ss_learning_rate"];
  return metadata;
}

}  // namespace ziplora
