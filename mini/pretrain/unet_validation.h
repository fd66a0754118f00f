#pragma once
/// How good the UNet is, in numbers by which two bases, or two hours of one training, can be compared, on
/// scenes that no training draws.
///
///     const auto errors = unet_validation_error(base, world, 256);   // {950: 0.38, 800: 0.37, …}
///     double distance = validation_frechet_distance(base, world, judge, 96, 25, cancel);

#include <map>

#include "mini/judge/image_judge.h"
#include "mini/world/world.h"
#include "ziplora/base/cancel.h"
#include "ziplora/models/sdxl.h"

namespace ziplora::mini {

/// Mean squared error of what the UNet predicts. At t = 950 next to nothing of the image is left, so the
/// error shows what the words alone tell the UNet; at 200 it shows detail. Scenes and noise are the same in
/// every call.
/// @param base  in any dtype that its device computes in
/// @return by timestep: the mean over all scenes and latent values, of latents whose variance is about one
std::map<int64_t, double> unet_validation_error(const Sdxl& base, const World& world, int64_t scenes);

/// Between the base's drawings (`steps` of denoising, guidance 5) and the artists' of the same scenes, in the judge's
/// features (judge/frechet_distance.h). Few scenes make it too large: compare only distances from equally
/// many.
/// @throws Error(kInterrupted)
double validation_frechet_distance(const Sdxl& base, const World& world, const ImageJudge& judge,
                                   int64_t scenes, int64_t steps, const CancelToken& cancel);

}  // namespace ziplora::mini
