#pragma once
/// What the report says of the base's parts without asking it for drawings by words: size, speed, what the
/// autoencoder keeps of drawings that it has never seen, whether the text encoders understand captions, and
/// how far the UNet's prediction is off.
///
///     BaseMeasures parts = measure_base("assets/mini", judge, world, progress, cancel);

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "mini/judge/image_judge.h"
#include "mini/world/world.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/models/sdxl.h"

namespace ziplora::mini {

/// Means over one artist's drawings of the held-out subjects.
struct AutoencoderMeasure {
  size_t drawings = 0;
  double psnr_db = 0;
  double colour_error = 0;  ///< of the mean colour, as a share of the range
};

/// Scenes that no training draws.
struct NearestCaption {
  int64_t captions = 0;
  double share = 0;  ///< of scenes whose own caption is the nearest of all
};

/// How far "…, in … style" moves the pooled prompt, as a share of its norm: means.
struct PromptMovement {
  double known = 0;     ///< over the seen styles
  double invented = 0;  ///< over words that mean nothing
};

struct BaseMeasures {
  uintmax_t bytes = 0;                                    ///< of all its files
  double load_seconds = 0;                                ///< of the whole base, its files in the page cache
  double seconds_per_image = 0;                           ///< 25 steps with guidance, one image
  std::map<std::string, AutoencoderMeasure> autoencoder;  ///< by artist
  NearestCaption nearest_caption;
  PromptMovement prompt_moved_by_style;
  std::map<int64_t, double> unet_error;  ///< by timestep (pretrain/unet_validation.h)
};
nlohmann::json to_json(const BaseMeasures& measures);

/// @param folder             of the base, which is loaded anew to be timed
/// @param validation_scenes  that the UNet's error is measured on
/// @throws Error(kInput, kInterrupted)
BaseMeasures measure_base(const std::filesystem::path& folder, int64_t validation_scenes,
                          const ImageJudge& judge, const World& world, ProgressSink& progress,
                          const CancelToken& cancel);

}  // namespace ziplora::mini
