#pragma once
/// The use case behind `ziplora-mini report`: how well the miniature draws what it is asked for, in the eyes
/// of a judge that was trained on real drawings only. The judge's accuracy on the artists' drawings of the
/// same scenes stands beside it, and on what the miniature's autoencoder leaves of those: the UNet cannot do
/// better.
///
///     BaseReportRequest request;
///     request.output = "out/base-report";
///     BaseReport report = run_base_report(request, progress, cancel);

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mini/report/base_measures.h"
#include "mini/world/world_place.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora::mini {

struct BaseReportRequest {
  WorldPlace world;
  std::filesystem::path base = "assets/mini";
  std::filesystem::path judge = "assets/judges/clip";
  std::filesystem::path output = "out/base-report";
  int64_t scenes = 200;  ///< of each split: seen subject × seen style, and the pairs kept out of training
  int64_t steps = 25;
  int64_t validation_scenes = 256;  ///< that the UNet's error is measured on
  double guidance_scale = 3.0;      ///< as in the demo
  double guidance_rescale = 0.0;
  uint64_t seed = 0;
};

/// What an image shows, and what the judge took it for; ids.
struct JudgedScene {
  std::string prompt, subject, style;
  std::string taken_for_subject, taken_for_style;
};

/// The same scenes by one of "base", "autoencoder" and "artist".
struct ScenesBy {
  /// The share of images in which each attribute is recognised, and of those with a second object in which
  /// one is there (`second_subject_present`); nothing where no scene asks for it.
  std::map<std::string, std::optional<double>> recognised;
  std::vector<JudgedScene> images;
  /// Of the judge's features from the artist's; absent for the artist.
  std::optional<double> frechet_distance;
};

struct BaseReport {
  BaseReportRequest request;
  BaseMeasures parts;
  /// By split, "seen" and "held_out_pairs", then by who drew.
  std::map<std::string, std::map<std::string, ScenesBy>> splits;
};
nlohmann::json to_json(const BaseReport& report);

/// Writes report.json, and for each split a sheet of drawings by base and artist side by side.
/// @throws Error(kUsage, kInput, kInterrupted)
BaseReport run_base_report(const BaseReportRequest& request, ProgressSink& progress,
                           const CancelToken& cancel);

}  // namespace ziplora::mini
