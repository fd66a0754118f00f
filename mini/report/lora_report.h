#pragma once
/// Whether the embedded base takes LoRAs: for held-out subjects and styles, a LoRA of each (subjects with the
/// base's defaults, styles with the recipe of the demo), each alone and both merged, compared with the
/// artists' true drawings.
///
///     nlohmann::json report = run_lora_report({.half = Role::kDevelopment, .output = "out/loras"}, …);
///
/// What an image shows is decided by the nearest true drawing in the judge's space: the subject among twenty
/// subjects in the wanted style, the style among all styles of the wanted subject. The artists' own scenes,
/// judged in the same way, stand beside each figure: no base can do better.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "mini/world/catalogue.h"
#include "mini/world/world_place.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora::mini {

struct LoraReportRequest {
  WorldPlace world;
  std::filesystem::path base = "assets/mini";
  std::filesystem::path judge = "assets/judges/clip";
  std::filesystem::path output;
  Role half = Role::kDevelopment;  ///< recipes are tuned on this one; figures are reported on Role::kReport
  int64_t subjects = 4;            ///< the first so many of the half
  nlohmann::json settings = nlohmann::json::object();  ///< train settings in place of both recipes'
  /// At which the merges are asked for images, the first for people, too; not empty.
  std::vector<double> style_strengths = {1};
  uint64_t seed = 0;
};

/// Writes down in the folder what its files come from. What an interrupted report left is taken over, so it
/// must be what this one would make, but for how many subjects there are.
/// @throws Error(kUsage) if the folder's files are of another base, seed or recipe, or do not say of which
void claim_lora_report_folder(const LoraReportRequest& request);

/// @return for "base alone" (the subject's prompts without a LoRA), "subject alone", "others beside the
/// subject" (seen subjects under its LoRA), "style alone", "direct", "zip", and where other style strengths
/// are asked for, "zip, style × 1.5" …: shares of right subjects, styles and backgrounds, mean cosine to the
/// true drawing; by the artist, too. For people, a sheet of each beside the true drawings, and overview.png
/// with a subject's images of all kinds in a row. What an interrupted report, or one of fewer subjects,
/// left in the folder is not made again: its LoRAs, merges and images are taken as they are.
/// @throws Error(kInput, kInterrupted), and as claim_lora_report_folder
nlohmann::json run_lora_report(const LoraReportRequest& request, ProgressSink& progress,
                               const CancelToken& cancel);

}  // namespace ziplora::mini
