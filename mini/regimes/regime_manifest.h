#pragma once
/// The plan as `ziplora evaluate` reads it, and where its files lie in the folder.
///
///     write_json_file(folder / "manifest.json", manifest_of(plan, world.catalogue(), folder, {.seeds = 2}));

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "mini/regimes/regime_plan.h"

namespace ziplora::mini {

/// Relative to the folder.
std::filesystem::path lora_path(const PlannedLora& lora);
std::filesystem::path images_path(const PlannedLora& lora);
std::filesystem::path truth_path(const Catalogue& catalogue, const SceneContent& content);

/// What each pair is drawn as.
struct ManifestScope {
  /// 0, 1, …: of the noise of the images.
  int64_t seeds = 4;
  /// Also under each LoRA's own prompt, where the merge should draw what that one draws.
  bool own_prompts = false;
  /// Pairs whose LoRA of both is ready have it as the file kTogether, in a group of their own.
  bool together = false;
};

/// Every subject, style and pair of the plan; LoRAs only where their file is in the folder, so that the manifest is of
/// use before all are trained. What has none yet lends its true drawings.
nlohmann::json manifest_of(const RegimePlan& plan, const Catalogue& catalogue,
                           const std::filesystem::path& folder, const ManifestScope& scope = {});

/// Pairs whose two LoRAs are in the folder.
size_t pairs_ready(const RegimePlan& plan, const std::filesystem::path& folder);

}  // namespace ziplora::mini
