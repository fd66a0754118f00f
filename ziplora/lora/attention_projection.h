#pragma once
/// The layers that LoRAs have always been trained on: q, k, v and out of the transformers' attention, in
/// diffusers' names. `train` and `merge` call them "attention".
///
///     is_attention_projection("down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q");   // true

#include <string_view>

namespace ziplora {

/// @param path  of a layer, with or without the component ("unet.")
bool is_attention_projection(std::string_view path);
/// Only those of the cross-attention, which reads the prompt.
bool is_cross_attention_projection(std::string_view path);
/// Only k and v of that: their inputs are the prompt's tokens, in every step the same.
bool is_prompt_projection(std::string_view path);

}  // namespace ziplora
