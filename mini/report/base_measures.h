#pragma once
/// What the report says of the base's parts without asking it for drawings by words: size, speed, what the
/// autoencoder keeps of drawings that it has never seen, whether the text encoders understand captions, and
/// how far the UNet's prediction is off.
///
///     nlohmann::json parts = measure_base("assets/mini", judge, world, progress, cancel);

#include <filesystem>
#include <nlohmann/json.hpp>

#include "mini/judge/image_judge.h"
#include "mini/world/world.h"
#include "ziplora/base/cancel.h"
#include "ziplora/base/progress.h"
#include "ziplora/models/sdxl.h"

namespace ziplora::mini {

/// @param folder  of the base, loaded anew for its time
/// @return
///     bytes                    of all its files
///     load_seconds             of the whole base, its files in the page cache
///     seconds_per_image      25 steps with guidance, one image
///     autoencoder              by artist: mean over the held-out subjects of PSNR in dB (`psnr_db`) and of
///                              the mean colour's error, as a share of the range (`colour_error`)
///     nearest_caption          share of unseen scenes whose own caption is the nearest of `captions`
///     prompt_moved_by_style    how far "…, in … style" moves the pooled prompt, as a share of its norm, mean
///                              over the seen styles (`known`) and over words that mean nothing (`invented`)
///     unet_error               by timestep (pretrain/unet_validation.h)
/// @throws Error(kInput, kInterrupted)
nlohmann::json measure_base(const std::filesystem::path& folder, const ImageJudge& judge, const World& world,
                            ProgressSink& progress, const CancelToken& cancel);

}  // namespace ziplora::mini
