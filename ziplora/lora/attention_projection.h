#pragma once
/// The layers that a LoRA is put on since its beginning: q, k, v and out of the transformers' attention, in
/// diffusers' names. What `train` and `merge` call "attention" is these.
///
///     is_attention_projection("down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q");   // true

#include <string_view>

namespace ziplora {

/// @param path  of a layer, with or without the component before it ("unet.")
bool is_attention_projection(std::string_view path);
/// The same of those that read the prompt.
bool is_cross_attention_projection(std::string_view path);

}  // namespace ziplora
