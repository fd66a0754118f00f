#pragma once
/// The part of a diffusers folder that baking does not change: configs, tokenizers, the autoencoder and the
/// texts at the top. What a folder holds beyond its model_index.json stays behind.
///
///     AtomicFolder output("sdxl-cat");
///     copy_unadapted_files(base, output, cancel);   // all but the weights of the UNet and the text encoders

#include "ziplora/base/atomic_folder.h"
#include "ziplora/base/cancel.h"
#include "ziplora/models/base_files.h"

namespace ziplora {

/// Leaves out every version of the adapted weights, since those that are not baked would be stale.
/// @throws Error(kInput) if a file cannot be read, or is a link that leads out of the base; Error(kExhausted, kFailed) as AtomicFile; Error(kInterrupted)
void copy_unadapted_files(const BaseFiles& base, const AtomicFolder& output, const CancelToken& cancel);

}  // namespace ziplora
