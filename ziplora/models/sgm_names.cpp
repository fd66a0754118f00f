#include "ziplora/models/sgm_names.h"

#include <fmt/format.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

struct Rename {
  const char *sgm, *diffusers;
};

constexpr Rename kUNetResnet[] = {{"in_layers.0", "norm1"},          {"in_layers.2", "conv1"},
                                  {"emb_layers.1", "time_emb_proj"}, {"out_layers.0", "norm2"},
                                  {"out_layers.3", "conv2"},         {"skip_connection", "conv_shortcut"}};
constexpr Rename kAutoencoderAttention[] = {
    {"q", "to_q"}, {"k", "to_k"}, {"v", "to_v"}, {"proj_out", "to_out.0"}};
constexpr Rename kClipLayer[] = {{"ln_1", "layer_norm1"},
                                 {"ln_2", "layer_norm2"},
                                 {"attn.out_proj", "self_attn.out_proj"},
                                 {"mlp.c_fc", "mlp.fc1"},
                                 {"mlp.c_proj", "mlp.fc2"}};

void add_unet_resnet(SgmNames& names, const std::string& sgm, const std::string& diffusers) {
  for (const auto& [inner_sgm, inner] : kUNetResnet)
    names.add(sgm + "." + inner_sgm, diffusers + "." + inner);
}

bool has_attention(const std::string& block_type) { return block_type.starts_with("CrossAttn"); }

}  // namespace

at::Tensor TranslatedTensor::apply(const at::Tensor& tensor) const {
  switch (view) {
    case View::kWhole:
      return tensor;
    case View::kTransposed:
      return tensor.dim() == 2 ? tensor.t() : tensor;
    case View::kSqueezed:
      return tensor.dim() == 4 && tensor.size(2) == 1 && tensor.size(3) == 1 ? tensor.squeeze(3).squeeze(2)
                                                                             : tensor;
    case View::kThirdOfRows: {
      if (tensor.dim() == 0 || tensor.size(0) % 3 != 0) return tensor;  // the loader reports the shape
      const int64_t rows = tensor.size(0) / 3;
      return tensor.narrow(0, third * rows, rows);
    }
  }
  throw Error(ErrorKind::kInternal, "sgm names", "unknown view");
}

void SgmNames::add_squeezed(std::string sgm_module, std::string module) {
  squeezed_[sgm_module] = true;
  add(std::move(sgm_module), std::move(module));
}

void SgmNames::add_tensor(std::string sgm_name, std::vector<TranslatedTensor> translated) {
  tensors_[std::move(sgm_name)] = std::move(translated);
}

std::vector<TranslatedTensor> SgmNames::translate(const std::string& sgm_name) const {
  if (const auto rule = tensors_.find(sgm_name); rule != tensors_.end()) return rule->second;
  // The longest known module that the name lies in; below it both have the same names.
  for (size_t dot = sgm_name.rfind('.'); dot != std::string::npos && dot > 0;
       dot = sgm_name.rfind('.', dot - 1)) {
    const auto module = modules_.find(sgm_name.substr(0, dot));
    if (module == modules_.end()) continue;
    const bool squeezed = squeezed_.count(module->first) != 0;
    return {{module->second + sgm_name.substr(dot),
             squeezed ? TranslatedTensor::View::kSqueezed : TranslatedTensor::View::kWhole}};
  }
  return {};
}

SgmNames sgm_unet_names(const UNet2DConditionConfig& config) {
  SgmNames names;
  names.add("time_embed.0", "time_embedding.linear_1");
  names.add("time_embed.2", "time_embedding.linear_2");
  names.add("label_emb.0.0", "add_embedding.linear_1");
  names.add("label_emb.0.2", "add_embedding.linear_2");
  names.add("input_blocks.0.0", "conv_in");
  names.add("out.0", "conv_norm_out");
  names.add("out.2", "conv_out");
  add_unet_resnet(names, "middle_block.0", "mid_block.resnets.0");
  names.add("middle_block.1", "mid_block.attentions.0");
  add_unet_resnet(names, "middle_block.2", "mid_block.resnets.1");

  const size_t blocks = config.down_block_types.size();
  // sgm numbers all layers consecutively. A sampler is a layer of its own on the way down, and the last child
  // of its block's last layer on the way up.
  int64_t input = 1;
  for (size_t i = 0; i < blocks; ++i) {
    for (int64_t j = 0; j < config.layers_per_block[i]; ++j, ++input) {
      add_unet_resnet(names, fmt::format("input_blocks.{}.0", input),
                      fmt::format("down_blocks.{}.resnets.{}", i, j));
      if (has_attention(config.down_block_types[i]))
        names.add(fmt::format("input_blocks.{}.1", input), fmt::format("down_blocks.{}.attentions.{}", i, j));
    }
    if (i + 1 < blocks)
      names.add(fmt::format("input_blocks.{}.0.op", input++),
                fmt::format("down_blocks.{}.downsamplers.0.conv", i));
  }
  int64_t output = 0;
  for (size_t i = 0; i < blocks; ++i) {
    const bool attention = has_attention(config.up_block_types[i]);
    const int64_t layers = config.layers_per_block[blocks - 1 - i] + 1;
    for (int64_t j = 0; j < layers; ++j, ++output) {
      add_unet_resnet(names, fmt::format("output_blocks.{}.0", output),
                      fmt::format("up_blocks.{}.resnets.{}", i, j));
      if (attention)
        names.add(fmt::format("output_blocks.{}.1", output), fmt::format("up_blocks.{}.attentions.{}", i, j));
      if (j + 1 == layers && i + 1 < blocks)
        names.add(fmt::format("output_blocks.{}.{}.conv", output, attention ? 2 : 1),
                  fmt::format("up_blocks.{}.upsamplers.0.conv", i));
    }
  }
  return names;
}

SgmNames sgm_autoencoder_names(const AutoencoderKLConfig& config) {
  SgmNames names;
  const size_t blocks = config.block_out_channels.size();
  for (const char* name : {"quant_conv", "post_quant_conv"}) names.add(name, name);
  for (const std::string half : {"encoder", "decoder"}) {
    for (const char* name : {"conv_in", "conv_out"}) names.add(half + "." + name, half + "." + name);
    names.add(half + ".norm_out", half + ".conv_norm_out");
    names.add(half + ".mid.block_1", half + ".mid_block.resnets.0");
    names.add(half + ".mid.block_2", half + ".mid_block.resnets.1");
    names.add(half + ".mid.attn_1.norm", half + ".mid_block.attentions.0.group_norm");
    for (const auto& [sgm, diffusers] : kAutoencoderAttention)
      names.add_squeezed(half + ".mid.attn_1." + sgm, half + ".mid_block.attentions.0." + diffusers);
    const bool decoder = half == "decoder";
    for (size_t i = 0; i < blocks; ++i) {
      const std::string block = fmt::format("{}.{}_blocks.{}", half, decoder ? "up" : "down", i);
      // sgm counts the decoder's blocks from the image, diffusers from the latents.
      const std::string sgm =
          decoder ? fmt::format("decoder.up.{}", blocks - 1 - i) : fmt::format("encoder.down.{}", i);
      for (int64_t j = 0; j < config.layers_per_block + (decoder ? 1 : 0); ++j) {
        const std::string sgm_resnet = fmt::format("{}.block.{}", sgm, j),
                          resnet = fmt::format("{}.resnets.{}", block, j);
        names.add(sgm_resnet, resnet);
        names.add(sgm_resnet + ".nin_shortcut", resnet + ".conv_shortcut");
      }
      names.add(sgm + (decoder ? ".upsample" : ".downsample"),
                block + (decoder ? ".upsamplers.0" : ".downsamplers.0"));
    }
  }
  return names;
}

SgmNames open_clip_names(const ClipTextConfig& config) {
  using View = TranslatedTensor::View;
  SgmNames names;
  names.add("token_embedding", "text_model.embeddings.token_embedding");
  names.add_tensor("positional_embedding", {{"text_model.embeddings.position_embedding.weight"}});
  names.add("ln_final", "text_model.final_layer_norm");
  names.add_tensor("text_projection", {{"text_projection.weight", View::kTransposed}});
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string sgm = fmt::format("transformer.resblocks.{}.", i);
    const std::string layer = fmt::format("text_model.encoder.layers.{}.", i);
    for (const auto& [inner_sgm, inner] : kClipLayer) names.add(sgm + inner_sgm, layer + inner);
    for (const std::string part : {"weight", "bias"}) {
      std::vector<TranslatedTensor> thirds;
      for (int64_t third = 0; third < 3; ++third)
        thirds.push_back(
            {fmt::format("{}self_attn.{}_proj.{}", layer, "qkv"[third], part), View::kThirdOfRows, third});
      names.add_tensor(sgm + "attn.in_proj_" + part, thirds);
    }
  }
  return names;
}

}  // namespace ziplora
