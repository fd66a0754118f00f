#pragma once
/// Prepares an adapter for a file that every loader reads alike: ΔW stays the same, but its split into scale,
/// up and down changes.
///
///     const Adapter uniform = universal_form(adapter, names);  // one lora_alpha per component
///
/// Why one alpha: diffusers uses a component's most common alpha for all its attention layers
/// (huggingface/diffusers loaders/lora_conversion_utils.py). With an alpha per layer it loads wrong scales,
/// without a message.

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "ziplora/base/error.h"
#include "ziplora/lora/adapter.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// The same ΔW as float32 factors with the given alpha; if nothing has to change, the same tensors in their
/// own dtype. A power of two per rank gives its column of up and its row of down nearly equal norms. That
/// loses nothing and keeps both far from the ends of half precision.
LoraLayer with_alpha(const LoraLayer& layer, double lora_alpha);

/// One alpha per component: the layers' common one if they have one, else the most common rank. Layers
/// without effect are left out, and zeros are added where some loader needs a layer to be there:
///
///     q, k, v or out_proj of a text encoder  →  the others of that layer: without them stable-diffusion-webui
///                                               drops those of CLIP-G, and diffusers drops or refuses
///                                               attention without any out_proj
///     text_projection alone                  →  attention, as below
///     text_projection of a lower rank        →  more ranks, as many as most layers of its encoder have:
///                                               diffusers would refuse the file
///     a UNet without any attn2.to_k          →  one of them: InvokeAI recognises the architecture by it
///
/// @throws Error(kInternal) if a target is not in `names`
Adapter universal_form(const Adapter& adapter, const TargetNames& names);

/// lora_alpha = rank everywhere, so that readers which ignore alpha see the right ΔW too. Layers without
/// effect are left out.
Adapter unit_scale_form(const Adapter& adapter);

/// Adds zeros as the first attention of each encoder that has no attention, of the rank that most of the
/// encoder's layers have. diffusers' load_lora_weights refuses an encoder's layers in its own names if none
/// of them is attention, and in kohya's names a text_projection alone (utils/state_dict_utils.py,
/// convert_state_dict_to_peft).
void add_attention_to_encoders(Adapter& adapter, const TargetNames& names);

/// component → module path → layer.
std::map<std::string, std::map<std::string, LoraLayer>> layers_of_components(const Adapter& adapter);
int64_t most_common_rank(const std::map<std::string, LoraLayer>& layers);

/// Finite values that a dtype cannot hold: above its range, or so far below it that they lose more than
/// rounding. A wider dtype holds them.
class ValuesDoNotFit : public Error {
 public:
  using Error::Error;
};

/// The factor in the dtype of a file.
/// @throws ValuesDoNotFit(kNonFinite), or Error(kNonFinite) for NaN and infinity, naming the target
at::Tensor to_storage(const at::Tensor& factor, at::ScalarType dtype, const std::string& target);

}  // namespace ziplora
