#pragma once
/// Prepares an adapter for a file that every loader reads alike: ΔW stays, its split into scale, up and down
/// changes.
///
///     Adapter uniform = universal_form(adapter, names);   // one lora_alpha a component, balanced factors
///
/// Why one alpha: diffusers uses a component's most common alpha for all its attention layers
/// (huggingface/diffusers loaders/lora_conversion_utils.py), so per-layer alphas load with a wrong scale
/// there and no message.

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "ziplora/lora/adapter.h"
#include "ziplora/lora/target_names.h"

namespace ziplora {

/// Same ΔW as float32 factors with the given alpha; the same tensors, in their own dtype, if nothing has to
/// change. Each rank's column of up and row of down get nearly equal norms by a power of two, which loses
/// nothing and keeps both far from half precision's ends.
LoraLayer with_alpha(const LoraLayer& layer, double lora_alpha);

/// One alpha per component: the common one if the layers have one, else the most common rank. Where a text
/// encoder's layer has some of q, k, v, out_proj, the missing ones are added as zeros: stable-diffusion-webui
/// drops the others of CLIP-G without them, and diffusers drops or refuses an encoder's attention without any
/// out_proj. A text_projection alone gets attention beside it, as below, else zeros up to the rank of most
/// layers of its encoder: diffusers would refuse it. A UNet without any attn2.to_k gets one of zeros
/// (InvokeAI tells the architecture by it). Other layers without effect are left out.
/// @throws Error(kInternal) if a target is not in `names`
Adapter universal_form(const Adapter& adapter, const TargetNames& names);

/// lora_alpha = rank everywhere: readers that know no alpha see the right ΔW too. Layers without effect are
/// left out.
Adapter unit_scale_form(const Adapter& adapter);

/// diffusers' load_lora_weights refuses an encoder's layers in its own names if none of them is attention,
/// and in kohya's a text_projection alone (utils/state_dict_utils.py, convert_state_dict_to_peft): the
/// encoder's first attention gets zeros of the rank that most of its layers have.
void add_attention_to_encoders(Adapter& adapter, const TargetNames& names);

/// component → module path → layer
std::map<std::string, std::map<std::string, LoraLayer>> layers_of_components(const Adapter& adapter);
int64_t most_common_rank(const std::map<std::string, LoraLayer>& layers);

/// @throws Error(kNonFinite) naming the target if the values do not fit the dtype: overflow, or lose more
/// than rounding because they are below its range
at::Tensor to_storage(const at::Tensor& factor, at::ScalarType dtype, const std::string& target);

}  // namespace ziplora
