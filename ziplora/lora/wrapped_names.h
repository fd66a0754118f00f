#pragma once
/// What wrappers leave in the names of the modules that they hold. A trainer that saves while a model is still
/// wrapped writes it into every key:
///
///     unet._orig_mod.down_blocks.…                       torch.compile
///     unet.module.down_blocks.…                          DistributedDataParallel
///     unet.unet.down_blocks.…                            a component named twice (huggingface/diffusers#5991)
///     lora_unet_model_diffusion_model_input_blocks_4_…   an sgm model's own prefix (kohya-ss/sd-scripts#2211)

#include <string>

namespace ziplora {

/// Guesses nothing: whoever looks the result up in the table of layers sees whether it is a name.
/// @return the key without what wrappers left, or the same key
std::string without_wrappers(const std::string& key);

}  // namespace ziplora
