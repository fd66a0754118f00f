#pragma once
/// The use case behind `ziplora-mini report`: how well the embedded base draws what it is asked for, in the
/// eyes of a judge that was trained on real drawings only. Its own accuracy on the artists' drawings of the
/// same scenes stands beside it, and on what the base's autoencoder leaves of those: the UNet cannot do
/// better.
///
///     nlohmann::json report = run_base_report({.base = "assets/mini", .output = "out/base-report"}, …);
///
/// Writes report.json, and for each split a sheet of drawings by base and artist side by side.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "mini/world/world_place.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"

namespace ziplora::mini {

struct BaseReportRequest {
  WorldPlace world;
  std::filesystem::path base = "assets/mini";
  std::filesystem::path judge = "assets/judges/clip";
  std::filesystem::path output;
  int64_t scenes = 200;  ///< of each split: seen subject × seen style, and the pairs kept out of training
  int64_t steps = 25;
  double guidance_scale = 3.0;  ///< as in the demo
  double guidance_rescale = 0.0;
  uint64_t seed = 0;
};

/// @return `parts` (base_measures.h), and by split: for base, autoencoder and artist the share of images in
/// which each attribute is recognised, and of those with a second object in which one is there
/// (`second_subject_present`) (null where no scene asks for it); what each image was `taken_for`
/// (`images`); the Fréchet distance of base's and autoencoder's features from the artists'
/// @throws Error(kUsage, kInput, kInterrupted)
nlohmann::json run_base_report(const BaseReportRequest& request, ProgressSink& progress,
                               const CancelToken& cancel);

}  // namespace ziplora::mini
