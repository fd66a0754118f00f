#include "ziplora/lora/target_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <numeric>

#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {
namespace {

/// diffusers path of a block → its sgm path.
std::map<std::string, std::string> sgm_blocks(const UNet2DConditionConfig& config) {
  std::map<std::string, std::string> sgm{{"conv_in", "input_blocks.0.0"},
                                         {"time_embedding.linear_1", "time_embed.0"},
                                         {"time_embedding.linear_2", "time_embed.2"},
                                         {"add_embedding.linear_1", "label_emb.0.0"},
                                         {"add_embedding.linear_2", "label_emb.0.2"},
                                         {"mid_block.resnets.0", "middle_block.0"},
                                         {"mid_block.attentions.0", "middle_block.1"},
                                         {"mid_block.resnets.1", "middle_block.2"},
                                         {"conv_norm_out", "out.0"},
                                         {"conv_out", "out.2"}};
  const int64_t blocks = static_cast<int64_t>(config.block_out_channels.size());
  int64_t n = 1;
  for (int64_t i = 0; i < blocks; ++i) {
    for (int64_t j = 0; j < config.layers_per_block[i]; ++j, ++n) {
      sgm[fmt::format("down_blocks.{}.resnets.{}", i, j)] = fmt::format("input_blocks.{}.0", n);
      sgm[fmt::format("down_blocks.{}.attentions.{}", i, j)] = fmt::format("input_blocks.{}.1", n);
    }
    if (i + 1 < blocks)
      sgm[fmt::format("down_blocks.{}.downsamplers.0.conv", i)] = fmt::format("input_blocks.{}.0.op", n++);
  }
  n = 0;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t resnets = config.layers_per_block[blocks - 1 - i] + 1;
    for (int64_t j = 0; j < resnets; ++j, ++n) {
      sgm[fmt::format("up_blocks.{}.resnets.{}", i, j)] = fmt::format("output_blocks.{}.0", n);
      sgm[fmt::format("up_blocks.{}.attentions.{}", i, j)] = fmt::format("output_blocks.{}.1", n);
    }
    // The upsampler follows the transformer where there is one: .2, else .1.
    const int place = config.up_block_types[i] == "CrossAttnUpBlock2D" ? 2 : 1;
    if (i + 1 < blocks)
      sgm[fmt::format("up_blocks.{}.upsamplers.0.conv", i)] =
          fmt::format("output_blocks.{}.{}.conv", n - 1, place);
  }
  return sgm;
}

std::string sgm_path(const std::string& path, const std::map<std::string, std::string>& blocks) {
  static const std::map<std::string, std::string> kResnetLeaves{
      {"norm1", "in_layers.0"},  {"conv1", "in_layers.2"},  {"time_emb_proj", "emb_layers.1"},
      {"norm2", "out_layers.0"}, {"conv2", "out_layers.3"}, {"conv_shortcut", "skip_connection"}};
  std::string block = path;
  for (;;) {
    if (const auto found = blocks.find(block); found != blocks.end()) {
      if (block.size() == path.size()) return found->second;
      const std::string leaf = path.substr(block.size() + 1);
      const auto resnet_leaf = kResnetLeaves.find(leaf);
      const bool in_resnet = block.find(".resnets.") != std::string::npos;
      return found->second + "." +
             (in_resnet && resnet_leaf != kResnetLeaves.end() ? resnet_leaf->second : leaf);
    }
    const size_t dot = block.rfind('.');
    if (dot == std::string::npos) return path;
    block.resize(dot);
  }
}

TargetKind unet_kind(const std::string& path) {
  const auto has = [&](const char* part) { return path.find(part) != std::string::npos; };
  if (has(".attn1.") || has(".attn2.")) return TargetKind::kAttention;
  if (has(".ff.")) return TargetKind::kFeedForward;
  if (has(".proj_in") || has(".proj_out")) return TargetKind::kProjection;
  if (has(".resnets.")) return TargetKind::kResnet;
  if (has("samplers.")) return TargetKind::kSampler;
  return TargetKind::kOther;
}

std::string flatten(std::string_view component, std::string path) {
  std::replace(path.begin(), path.end(), '.', '_');
  const char* prefix = component == "unet"           ? "lora_unet_"
                       : component == "text_encoder" ? "lora_te1_"
                                                     : "lora_te2_";
  return prefix + path;
}

}  // namespace

const char* name_of(TargetKind kind) {
  switch (kind) {
    case TargetKind::kAttention:
      return "attention";
    case TargetKind::kFeedForward:
      return "feed-forward";
    case TargetKind::kProjection:
      return "projection";
    case TargetKind::kResnet:
      return "resnet";
    case TargetKind::kSampler:
      return "sampler";
    case TargetKind::kOther:
      return "other";
    case TargetKind::kNorm:
      return "norm";
  }
  return "other";
}

int64_t TargetName::columns() const {
  return std::accumulate(weight_shape.begin() + 1, weight_shape.end(), int64_t{1}, std::multiplies<>());
}

std::string TargetName::flattened_sgm() const { return flatten(component, sgm_path); }
std::string TargetName::flattened_diffusers() const { return flatten(component, diffusers_path); }

TargetNames::TargetNames(const UNet2DConditionConfig& unet_config, const ClipTextConfig& text_config,
                         const ClipTextConfig& text_config_2)
    : unet(unet_config), text_encoder(text_config), text_encoder_2(text_config_2) {
  // A model without weights allocates nothing, and knows its layers best.
  UNet2DConditionModel model(unet);
  std::map<std::string, std::vector<int64_t>> shapes;
  model.for_each_parameter(
      [&](const std::string& path, Module::Parameter& parameter) { shapes[path] = parameter.shape; });
  const std::map<std::string, std::string> blocks = sgm_blocks(unet);
  model.for_each_module([&](const std::string& path, Module& module) {
    const bool is_norm = dynamic_cast<GroupNorm*>(&module) || dynamic_cast<LayerNorm*>(&module);
    if (!is_norm && !dynamic_cast<Linear*>(&module) && !dynamic_cast<Conv2d*>(&module)) return;
    add({"unet." + path, "unet", path, sgm_path(path, blocks), is_norm ? TargetKind::kNorm : unet_kind(path),
         shapes.at(path + ".weight"), shapes.count(path + ".bias") != 0});
  });
  const std::array<std::pair<const char*, const ClipTextConfig*>, 2> encoders{
      {{"text_encoder", &text_encoder}, {"text_encoder_2", &text_encoder_2}}};
  for (const auto& [component, config] : encoders) {
    const int64_t hidden = config->hidden_size, inner = config->intermediate_size;
    const auto add_path = [&, &component = component](const std::string& path, TargetKind kind,
                                                      std::vector<int64_t> shape, bool has_bias = true) {
      add({std::string(component) + "." + path, component, path, path, kind, std::move(shape), has_bias});
    };
    for (int64_t layer = 0; layer < config->num_hidden_layers; ++layer) {
      const std::string prefix = fmt::format("text_model.encoder.layers.{}.", layer);
      const auto add_leaf = [&](const char* leaf, TargetKind kind, int64_t out, int64_t in) {
        add_path(prefix + leaf, kind, {out, in});
      };
      for (const char* leaf :
           {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"})
        add_leaf(leaf, TargetKind::kAttention, hidden, hidden);
      add_leaf("mlp.fc1", TargetKind::kFeedForward, inner, hidden);
      add_leaf("mlp.fc2", TargetKind::kFeedForward, hidden, inner);
      for (const char* leaf : {"layer_norm1", "layer_norm2"})
        add_path(prefix + leaf, TargetKind::kNorm, {hidden});
    }
    add_path("text_model.final_layer_norm", TargetKind::kNorm, {hidden});
    if (config->projection_dim > 0)
      add_path("text_projection", TargetKind::kOther, {config->projection_dim, hidden}, /*has_bias=*/false);
  }
}

const TargetNames& TargetNames::sdxl() {
  static const TargetNames names(UNet2DConditionConfig::sdxl(), ClipTextConfig{}, [] {
    ClipTextConfig big;
    big.hidden_size = 1280;
    big.intermediate_size = 5120;
    big.num_hidden_layers = 32;
    big.num_attention_heads = 20;
    big.hidden_act = Activation::kGelu;
    big.projection_dim = 1280;
    big.pad_token_id = 0;
    return big;
  }());
  return names;
}

void TargetNames::add(TargetName target) {
  std::vector<TargetName>& list = target.is_norm() ? norms_ : targets_;
  const Place place{target.is_norm(), list.size()};
  by_canonical_[target.canonical] = place;
  by_flattened_[target.flattened_sgm()] = place;
  by_flattened_[target.flattened_diffusers()] = place;
  if (target.component == "unet") by_sgm_[target.sgm_path] = place;
  list.push_back(std::move(target));
}

const TargetName* TargetNames::look_up(const Places& places, std::string_view name) const {
  const auto found = places.find(std::string(name));
  if (found == places.end()) return nullptr;
  return found->second.among_norms ? &norms_[found->second.index] : &targets_[found->second.index];
}

const TargetName* TargetNames::find(std::string_view canonical) const {
  return look_up(by_canonical_, canonical);
}
const TargetName* TargetNames::find_flattened(std::string_view name) const {
  return look_up(by_flattened_, name);
}
const TargetName* TargetNames::find_sgm(std::string_view path) const { return look_up(by_sgm_, path); }

bool TargetNames::has_sdxl_sizes() const {
  return unet.cross_attention_dim == 2048 && targets().size() == sdxl().targets().size();
}

}  // namespace ziplora
