#pragma once
/// Class images for prior preservation: what the base itself draws for the class prompt ("a dog"), so that
/// learning one dog does not turn every dog into it (DreamBooth, arXiv 2208.12242, section 3.3). They stay in
/// the run's folder and are drawn again only if they are missing or were made with other settings.
///
///     std::vector<std::filesystem::path> images =
///         prior_images(base, {.class_prompts = {"a dog"}, .count = 100}, "runs/sks-dog/class_images",
///                      progress, cancel);
///
/// Call it while no adapter fills the base's slots.

#include <filesystem>
#include <string>
#include <vector>

#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/models/sdxl.h"

namespace ziplora {

struct PriorImageOptions {
  std::vector<std::string> class_prompts;  ///< image i shows number i mod their count; not empty
  int64_t count = 0;
  int64_t steps = 25;
  double guidance_scale = 5.0;
  int64_t height = 0, width = 0;  ///< pixels; 0: the base's default size
  uint64_t seed = 0;              ///< image i has its own seed, derived from it
};

/// @return `count` PNG files, in order. Ctrl-C keeps those already drawn.
std::vector<std::filesystem::path> prior_images(const Sdxl& base, const PriorImageOptions& options,
                                                const std::filesystem::path& folder, ProgressSink& progress,
                                                const CancelToken& cancel);

}  // namespace ziplora
