#pragma once
/// What a base draws during its training, beside the artists' drawings of the same scenes.
///
///     write_png(folder / "unet-1000.png", sample_sheet(base, world, 25, progress), {});

#include <ATen/core/Tensor.h>

#include "mini/world/world.h"
#include "ziplora/base/progress.h"
#include "ziplora/models/sdxl.h"

namespace ziplora::mini {

/// The same scenes and noise at every call, none of them shown in training.
/// @param steps  of denoising
/// @return [3, H, W] float32 in 0…1
at::Tensor sample_sheet(const Sdxl& base, const World& world, int64_t steps, ProgressSink& progress);

}  // namespace ziplora::mini
