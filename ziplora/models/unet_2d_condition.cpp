#include "ziplora/models/unet_2d_condition.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/silu.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ziplora/base/error.h"
#include "ziplora/nn/recompute.h"
#include "ziplora/nn/resnet_block.h"
#include "ziplora/nn/samplers.h"
#include "ziplora/nn/timestep_embedding.h"
#include "ziplora/nn/transformer_2d.h"

namespace ziplora {
namespace {

/// What every layer of one forward pass sees besides its input.
struct Conditions {
  at::Tensor activated_time;  ///< [B, 4·block_out_channels[0]], silu(time + added embedding)
  at::Tensor context;         ///< [B, T, cross_attention_dim]
  bool checkpointing;
};

/// One resolution of the UNet, on the way down, in the middle or on the way up: resnets, each followed by a
/// transformer if the block attends, and a change of resolution at the end. Serves for diffusers'
/// (Down|Up)Block2D, CrossAttn(Down|Up)Block2D and UNetMidBlock2DCrossAttn, which differ only in what the model
/// does between the layers.
class Stage : public Module {
 public:
  /// @param level  index into the config's per-block lists
  Stage(const UNet2DConditionConfig& config, size_t level, const std::vector<int64_t>& resnet_in_channels,
        size_t num_transformers) {
    const int64_t channels = config.block_out_channels[level];
    for (size_t i = 0; i < num_transformers; ++i) {
      transformers_.push_back(std::make_unique<Transformer2D>(
          Transformer2D::Options{.channels = channels,
                                 .num_attention_heads = config.num_attention_heads[level],
                                 .num_layers = config.transformer_layers_per_block[level],
                                 .cross_attention_dim = config.cross_attention_dim,
                                 .norm_num_groups = config.norm_num_groups,
                                 .use_linear_projection = config.use_linear_projection}));
      register_module(fmt::format("attentions.{}", i), *transformers_.back());
    }
    for (size_t i = 0; i < resnet_in_channels.size(); ++i) {
      resnets_.push_back(std::make_unique<ResnetBlock>(
          ResnetBlock::Options{.in_channels = resnet_in_channels[i],
                               .out_channels = channels,
                               .time_embedding_dim = 4 * config.block_out_channels[0],
                               .norm_num_groups = config.norm_num_groups,
                               .norm_eps = config.norm_eps}));
      register_module(fmt::format("resnets.{}", i), *resnets_.back());
    }
  }
  void add_downsampler(int64_t channels, Downsample::Padding padding) {
    downsampler_ = std::make_unique<Downsample>(channels, padding);
    register_module("downsamplers.0", *downsampler_);
  }
  void add_upsampler(int64_t channels) {
    upsampler_ = std::make_unique<Upsample>(channels);
    register_module("upsamplers.0", *upsampler_);
  }

  size_t num_resnets() const { return resnets_.size(); }
  const Downsample* downsampler() const { return downsampler_.get(); }
  const Upsample* upsampler() const { return upsampler_.get(); }

  at::Tensor resnet(size_t i, const at::Tensor& x, const Conditions& conditions) const {
    ResnetBlock& block = *resnets_[i];
    if (!conditions.checkpointing) return block.forward(x, conditions.activated_time);
    return recomputed_in_backward(
        block,
        [&block](const std::vector<at::Tensor>& inputs) { return block.forward(inputs[0], inputs[1]); },
        {x, conditions.activated_time});
  }
  /// The transformer after resnet i; x itself if this block does not attend.
  at::Tensor transformer(size_t i, const at::Tensor& x, const Conditions& conditions) const {
    if (transformers_.empty()) return x;
    return transformers_[i]->forward(x, conditions.context, conditions.checkpointing);
  }

 private:
  std::vector<std::unique_ptr<Transformer2D>> transformers_;
  std::vector<std::unique_ptr<ResnetBlock>> resnets_;
  std::unique_ptr<Downsample> downsampler_;
  std::unique_ptr<Upsample> upsampler_;
};

void check_shape(const at::Tensor& tensor, const std::vector<int64_t>& expected, const char* name) {
  // −1 in `expected`: any size
  bool fits = tensor.defined() && tensor.dim() == static_cast<int64_t>(expected.size());
  for (size_t i = 0; fits && i < expected.size(); ++i)
    fits = expected[i] == -1 || tensor.size(i) == expected[i];
  if (fits) return;
  const std::string found =
      tensor.defined() ? fmt::format("[{}]", fmt::join(tensor.sizes(), ", ")) : "nothing";
  throw Error(
      ErrorKind::kIncompatible, "unet: forward",
      fmt::format("{} is {}, the model takes [{}] (-1: any size)", name, found, fmt::join(expected, ", ")),
      "use latents, prompts and images made for this base");
}

}  // namespace

struct UNet2DConditionModel::Parts {
  explicit Parts(const UNet2DConditionConfig& config)
      : conv_in({.in_channels = config.in_channels,
                 .out_channels = config.block_out_channels.front(),
                 .kernel_size = 3,
                 .padding = 1}),
        time_embedding(config.block_out_channels.front(), 4 * config.block_out_channels.front()),
        add_embedding(config.projection_class_embeddings_input_dim, 4 * config.block_out_channels.front()),
        conv_norm_out(config.norm_num_groups, config.block_out_channels.front(), config.norm_eps),
        conv_out({.in_channels = config.block_out_channels.front(),
                  .out_channels = config.out_channels,
                  .kernel_size = 3,
                  .padding = 1}) {
    // `skips` holds the channel counts of the feature maps that the way down hands to the way up.
    const std::vector<int64_t>& channels = config.block_out_channels;
    const size_t levels = channels.size();
    std::vector<int64_t> skips{channels[0]};
    for (size_t level = 0; level < levels; ++level) {
      const size_t layers = config.layers_per_block[level];
      std::vector<int64_t> in_channels(layers, channels[level]);
      in_channels[0] = skips.back();
      const bool attends = config.down_block_types[level] == "CrossAttnDownBlock2D";
      down.push_back(std::make_unique<Stage>(config, level, in_channels, attends ? layers : 0));
      skips.insert(skips.end(), layers, channels[level]);
      if (level + 1 < levels) {
        down.back()->add_downsampler(channels[level], config.downsample_padding
                                                          ? Downsample::Padding::kSymmetric
                                                          : Downsample::Padding::kBottomRight);
        skips.push_back(channels[level]);
      }
    }
    mid = std::make_unique<Stage>(config, levels - 1, std::vector<int64_t>(2, channels.back()), 1);
    int64_t previous = channels.back();
    for (size_t i = 0; i < levels; ++i) {
      const size_t level = levels - 1 - i, layers = config.layers_per_block[level] + 1;
      std::vector<int64_t> in_channels;
      for (size_t layer = 0; layer < layers; ++layer) {
        in_channels.push_back(previous + skips.back());
        skips.pop_back();
        previous = channels[level];
      }
      const bool attends = config.up_block_types[i] == "CrossAttnUpBlock2D";
      up.push_back(std::make_unique<Stage>(config, level, in_channels, attends ? layers : 0));
      if (i + 1 < levels) up.back()->add_upsampler(channels[level]);
    }
  }

  Conv2d conv_in;
  TimestepEmbedding time_embedding, add_embedding;
  std::vector<std::unique_ptr<Stage>> down;
  std::unique_ptr<Stage> mid;
  std::vector<std::unique_ptr<Stage>> up;
  GroupNorm conv_norm_out;
  Conv2d conv_out;
  bool gradient_checkpointing = false;
};

UNet2DConditionModel::UNet2DConditionModel(UNet2DConditionConfig c)
    : config(std::move(c)), parts_(std::make_unique<Parts>(config)) {
  register_module("conv_in", parts_->conv_in);
  register_module("time_embedding", parts_->time_embedding);
  register_module("add_embedding", parts_->add_embedding);
  for (size_t i = 0; i < parts_->down.size(); ++i)
    register_module(fmt::format("down_blocks.{}", i), *parts_->down[i]);
  register_module("mid_block", *parts_->mid);
  for (size_t i = 0; i < parts_->up.size(); ++i)
    register_module(fmt::format("up_blocks.{}", i), *parts_->up[i]);
  register_module("conv_norm_out", parts_->conv_norm_out);
  register_module("conv_out", parts_->conv_out);
}

UNet2DConditionModel::~UNet2DConditionModel() = default;

void UNet2DConditionModel::set_gradient_checkpointing(bool on) { parts_->gradient_checkpointing = on; }

at::Tensor UNet2DConditionModel::forward(const at::Tensor& sample, const at::Tensor& timestep,
                                         const UNetConditioning& conditioning) const {
  check_shape(sample, {-1, config.in_channels, -1, -1}, "sample");
  const int64_t batch = sample.size(0);
  check_shape(conditioning.encoder_hidden_states, {batch, -1, config.cross_attention_dim},
              "encoder_hidden_states");
  const int64_t pooled_width =
      config.projection_class_embeddings_input_dim - 6 * config.addition_time_embed_dim;
  check_shape(conditioning.text_embeds, {batch, pooled_width}, "text_embeds");
  check_shape(conditioning.time_ids, {batch, 6}, "time_ids");
  const Parts& parts = *parts_;

  // Time: the embedding of the timestep, plus that of the pooled prompt and the image's sizes
  const SinusoidOptions sinusoid{.flip_sin_to_cos = config.flip_sin_to_cos, .freq_shift = config.freq_shift};
  const at::Tensor timesteps =
      (timestep.dim() ? timestep : timestep.unsqueeze(0)).to(sample.device()).expand({batch});
  const at::Tensor time_sinusoids = sinusoids(timesteps, config.block_out_channels.front(), sinusoid);
  const at::Tensor size_sinusoids =
      sinusoids(conditioning.time_ids.flatten(), config.addition_time_embed_dim, sinusoid).view({batch, -1});
  const at::Tensor added = at::cat(
      {conditioning.text_embeds.to(sample.scalar_type()), size_sinusoids.to(sample.scalar_type())}, 1);
  const at::Tensor embedding = parts.time_embedding.forward(time_sinusoids.to(sample.scalar_type())) +
                               parts.add_embedding.forward(added);
  const Conditions conditions{.activated_time = at::silu(embedding),
                              .context = conditioning.encoder_hidden_states,
                              .checkpointing = parts.gradient_checkpointing && at::GradMode::is_enabled()};

  // Down: every layer's output is kept for the way up
  at::Tensor x = parts.conv_in.forward(sample);
  std::vector<at::Tensor> skips{x};
  for (const auto& stage : parts.down) {
    for (size_t i = 0; i < stage->num_resnets(); ++i) {
      x = stage->transformer(i, stage->resnet(i, x, conditions), conditions);
      skips.push_back(x);
    }
    if (stage->downsampler()) {
      x = stage->downsampler()->forward(x);
      skips.push_back(x);
    }
  }

  // Middle
  x = parts.mid->resnet(0, x, conditions);
  x = parts.mid->transformer(0, x, conditions);
  x = parts.mid->resnet(1, x, conditions);

  // Up: each layer's input is joined with what the way down kept at that resolution
  for (const auto& stage : parts.up) {
    for (size_t i = 0; i < stage->num_resnets(); ++i) {
      x = at::cat({x, skips.back()}, 1);
      skips.pop_back();
      x = stage->transformer(i, stage->resnet(i, x, conditions), conditions);
    }
    if (stage->upsampler()) {
      x = stage->upsampler()->forward(x, Upsample::Size{skips.back().size(2), skips.back().size(3)});
    }
  }
  return parts.conv_out.forward(norm_silu(parts.conv_norm_out, x));
}

}  // namespace ziplora
