#pragma once
/// One LoRA in memory: the factors of each target layer, under canonical names whatever dialect the file was
/// in.
///
/// A canonical target is the component and the diffusers module path:
///     unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q
///     text_encoder.text_model.encoder.layers.0.self_attn.q_proj      (text_encoder_2.… for the second)

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "ziplora/io/safetensors.h"

namespace ziplora {

struct LoraLayer {
  at::Tensor down;                     ///< [rank, in]; of a convolution [rank, in, kh, kw]; the file's dtype
  at::Tensor up;                       ///< [out, rank]; of a convolution [out, rank, 1, 1]
  std::optional<double> lora_alpha{};  ///< absent in the file: scale 1

  int64_t rank() const { return down.size(0); }
  double scale() const { return lora_alpha ? *lora_alpha / static_cast<double>(rank()) : 1.0; }
  bool is_convolution() const { return down.dim() == 4; }
};

struct Adapter {
  std::map<std::string, LoraLayer> layers{};  ///< by canonical target
  StringMap metadata{};                       ///< the file's `__metadata__`
  std::filesystem::path source{};             ///< the file it was read from, or empty
  std::string dialect{};  ///< how the file spells its keys: "kohya-sgm", "diffusers-peft", …
  /// What is added to biases and to the weights of norms, which have no factors: [n] in the file's dtype, by
  /// canonical parameter ("unet.mid_block.resnets.0.norm1.weight", "….to_out.0.bias").
  NamedTensors vector_deltas{};
};

}  // namespace ziplora
