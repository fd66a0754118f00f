#pragma once
/// Whether the miniature takes LoRAs: for held-out subjects and styles, a LoRA of each (subjects with the
/// base's defaults, styles with a recipe for one image), each alone and both merged, compared with the artists'
/// true drawings (scene_marks.h). The artists' own scenes, judged in the same way, stand beside each figure:
/// no base can do better.
///
///     LoraReportResult result = run_lora_report({.output = "out/loras", .half = Purpose::kDevelopment},
///                                               progress, cancel);

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "mini/report/scene_marks.h"
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
  /// Recipes are tuned on kDevelopment; figures are reported on kReport.
  Purpose half = Purpose::kDevelopment;
  int64_t subjects = 4;  ///< only so many of the half's, the first ones; −1: all
  nlohmann::json settings = nlohmann::json::object();     ///< train settings in place of both recipes'
  nlohmann::json zip_options = nlohmann::json::object();  ///< in place of zip's defaults
  int64_t steps = 25;                                     ///< of denoising each image that is judged
  /// At which the merges are asked for images, the first for people, too; not empty.
  std::vector<double> style_strengths = {1};
  uint64_t seed = 0;
};

/// The images of one kind.
struct GroupSummary {
  Marks base, artist;                     ///< means over what the base and the artists drew
  std::map<std::string, Marks> by_style;  ///< the base's
  size_t images = 0;
};

/// By group: "base alone" (the subject's prompts without a LoRA), "subject alone", "others beside the
/// subject" (seen subjects under its LoRA), "style alone", "direct", "zip", and where other style strengths
/// are asked for, "zip, style × 1.5" …
struct LoraReportResult {
  std::map<std::string, GroupSummary> groups;
};
nlohmann::json to_json(const LoraReportResult& result);

/// Writes loras.json, a sheet of each group beside the true drawings, and overview.png with a subject's
/// images of all kinds in a row. What an interrupted report, or one of fewer subjects, left in the folder is
/// not made again: its LoRAs, merges and images are used as they are.
/// @throws Error(kInput, kInterrupted), and as claim_lora_report_folder (lora_folder.h)
LoraReportResult run_lora_report(const LoraReportRequest& request, ProgressSink& progress,
                                 const CancelToken& cancel);

}  // namespace ziplora::mini
