#pragma once
/// Which LoRAs the regimes compare merges on, what each learns from, and which pairs meet under which prompts. A regime
/// is a row of regimes(); the plan of one half holds all of them. Draws and trains nothing.
///
///     const RegimePlan plan = plan_regimes(world, Purpose::kDevelopment);
///     for (const PlannedLora* lora : planned_trainings(plan, {"B"}, -1)) train(*lora);

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mini/world/world.h"

namespace ziplora::mini {

/// One image that a LoRA learns from.
struct PlannedImage {
  std::string stem;  ///< of its file and of its caption's
  SceneContent content;
  std::string caption;
  std::optional<uint64_t> seed;  ///< of place and shades; absent: large and in the middle
};

/// A subject or a style by its LoRA. Without images there is none: it only lends its true drawings.
struct PlannedLora {
  std::string name;             ///< "octopus", "octopus, seed 2", "sticker, 32"
  std::string prompt;           ///< "a sks animal", "in szn style"
  std::string words;            ///< what the prompt means: "an octopus", "in sticker style"
  std::string instance_prompt;  ///< that the LoRA's file names
  std::vector<PlannedImage> images;
  nlohmann::json settings = nlohmann::json::object();  ///< of training, in place of the base's defaults

  std::string stem() const;  ///< of its files: "sticker-32"
};

struct PlannedPair {
  size_t subject, style;  ///< indices into the plan's
  std::string regime;     ///< name in regimes()
  size_t place;           ///< of the subject in its regime
  /// The true drawing for each of regime_prompts(); nothing where it is not asked for.
  std::vector<std::optional<SceneContent>> truths;
};

struct RegimePlan {
  std::vector<PlannedLora> subjects, styles;
  std::vector<PlannedPair> pairs;  ///< in the order in which they should become ready
};

class RegimePlanner;

struct Regime {
  const char* name;   ///< on the command line: "B2"
  const char* group;  ///< in the manifest: "B, seed 2"
  const char* summary;
  void (*plan)(RegimePlanner&);
};

/// In the order in which they should become ready.
const std::vector<Regime>& regimes();
/// @throws Error(kUsage) for an unknown name
const Regime& find_regime(const std::string& name);

/// With {subject} and {style}.
const std::vector<std::string>& regime_prompts();

/// Training settings of a style's LoRA that learns from kManyImages.
nlohmann::json many_images_settings();

RegimePlan plan_regimes(const World& world, Purpose half);

/// @param names     of regimes
/// @param subjects  only the first ones of each regime; −1: all
bool is_asked_for(const PlannedPair& pair, const std::vector<std::string>& names, int64_t subjects);

/// The LoRAs that the regimes' pairs need, each once, in the order in which pairs should become ready.
/// @param names, subjects  as is_asked_for has them
/// @return pointers into the plan
std::vector<const PlannedLora*> planned_trainings(const RegimePlan& plan,
                                                  const std::vector<std::string>& names, int64_t subjects);

}  // namespace ziplora::mini
