#include "ziplora/models/autoencoder_kl.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>

#include "ziplora/base/error.h"
#include "ziplora/models/config_reader.h"
#include "ziplora/models/overlapping_tiles.h"
#include "ziplora/nn/attention.h"
#include "ziplora/nn/resnet_block.h"
#include "ziplora/nn/samplers.h"

namespace ziplora {
namespace {

constexpr double kNormEps = 1e-6;  // fixed in diffusers' Encoder and Decoder

Conv2d::Options conv3x3(int64_t in_channels, int64_t out_channels) {
  return {.in_channels = in_channels, .out_channels = out_channels, .kernel_size = 3, .padding = 1};
}

/// The resnets of one resolution, then a change of resolution: DownEncoderBlock2D or UpDecoderBlock2D.
template <class Sampler>
class Stage : public Module {
 public:
  Stage(const AutoencoderKLConfig& config, int64_t in_channels, int64_t out_channels, int64_t num_resnets) {
    for (int64_t i = 0; i < num_resnets; ++i) {
      resnets_.push_back(
          std::make_unique<ResnetBlock>(ResnetBlock::Options{.in_channels = i ? out_channels : in_channels,
                                                             .out_channels = out_channels,
                                                             .norm_num_groups = config.norm_num_groups,
                                                             .norm_eps = kNormEps}));
      register_module(fmt::format("resnets.{}", i), *resnets_.back());
    }
  }
  void set_sampler(std::unique_ptr<Sampler> sampler) {
    sampler_ = std::move(sampler);
    register_module(std::is_same_v<Sampler, Downsample> ? "downsamplers.0" : "upsamplers.0", *sampler_);
  }
  at::Tensor forward(at::Tensor x) const {
    for (const auto& resnet : resnets_) x = resnet->forward(x);
    return sampler_ ? sampler_->forward(x) : x;
  }

 private:
  std::vector<std::unique_ptr<ResnetBlock>> resnets_;
  std::unique_ptr<Sampler> sampler_;
};

/// resnet, attention over all pixels, resnet
class MidBlock : public Module {
 public:
  MidBlock(const AutoencoderKLConfig& config, int64_t channels)
      : resnet_0_(resnet_options(config, channels)), resnet_1_(resnet_options(config, channels)) {
    if (config.mid_block_add_attention) {
      attention_ = std::make_unique<Attention>(Attention::Options{.query_dim = channels,
                                                                  .num_attention_heads = 1,
                                                                  .bias = true,
                                                                  .norm_num_groups = config.norm_num_groups,
                                                                  .norm_eps = kNormEps,
                                                                  .residual = true});
      register_module("attentions.0", *attention_);
    }
    register_module("resnets.0", resnet_0_);
    register_module("resnets.1", resnet_1_);
  }
  at::Tensor forward(at::Tensor x) const {
    x = resnet_0_.forward(x);
    if (attention_) x = attention_->forward(x);
    return resnet_1_.forward(x);
  }

 private:
  static ResnetBlock::Options resnet_options(const AutoencoderKLConfig& config, int64_t channels) {
    return {.in_channels = channels,
            .out_channels = channels,
            .norm_num_groups = config.norm_num_groups,
            .norm_eps = kNormEps};
  }
  std::unique_ptr<Attention> attention_;
  ResnetBlock resnet_0_, resnet_1_;
};

class Encoder : public Module {
 public:
  explicit Encoder(const AutoencoderKLConfig& config)
      : conv_in_(conv3x3(config.in_channels, config.block_out_channels.front())),
        mid_block_(config, config.block_out_channels.back()),
        conv_norm_out_(config.norm_num_groups, config.block_out_channels.back(), kNormEps),
        conv_out_(conv3x3(config.block_out_channels.back(), 2 * config.latent_channels)) {
    register_module("conv_in", conv_in_);
    int64_t channels = config.block_out_channels.front();
    for (size_t i = 0; i < config.block_out_channels.size(); ++i) {
      const int64_t in_channels = std::exchange(channels, config.block_out_channels[i]);
      stages_.push_back(
          std::make_unique<Stage<Downsample>>(config, in_channels, channels, config.layers_per_block));
      if (i + 1 < config.block_out_channels.size()) {
        stages_.back()->set_sampler(
            std::make_unique<Downsample>(channels, Downsample::Padding::kBottomRight));
      }
      register_module(fmt::format("down_blocks.{}", i), *stages_.back());
    }
    register_module("mid_block", mid_block_);
    register_module("conv_norm_out", conv_norm_out_);
    register_module("conv_out", conv_out_);
  }
  at::Tensor forward(const at::Tensor& image) const {
    at::Tensor x = conv_in_.forward(image);
    for (const auto& stage : stages_) x = stage->forward(x);
    x = mid_block_.forward(x);
    return conv_out_.forward(norm_silu(conv_norm_out_, x));
  }

 private:
  Conv2d conv_in_;
  std::vector<std::unique_ptr<Stage<Downsample>>> stages_;
  MidBlock mid_block_;
  GroupNorm conv_norm_out_;
  Conv2d conv_out_;
};

class Decoder : public Module {
 public:
  explicit Decoder(const AutoencoderKLConfig& config)
      : conv_in_(conv3x3(config.latent_channels, config.block_out_channels.back())),
        mid_block_(config, config.block_out_channels.back()),
        conv_norm_out_(config.norm_num_groups, config.block_out_channels.front(), kNormEps),
        conv_out_(conv3x3(config.block_out_channels.front(), config.out_channels)) {
    register_module("conv_in", conv_in_);
    register_module("mid_block", mid_block_);
    int64_t channels = config.block_out_channels.back();
    for (size_t i = 0; i < config.block_out_channels.size(); ++i) {
      const int64_t in_channels = std::exchange(channels, *(config.block_out_channels.rbegin() + i));
      stages_.push_back(
          std::make_unique<Stage<Upsample>>(config, in_channels, channels, config.layers_per_block + 1));
      if (i + 1 < config.block_out_channels.size())
        stages_.back()->set_sampler(std::make_unique<Upsample>(channels));
      register_module(fmt::format("up_blocks.{}", i), *stages_.back());
    }
    register_module("conv_norm_out", conv_norm_out_);
    register_module("conv_out", conv_out_);
  }
  at::Tensor forward(const at::Tensor& latents) const {
    at::Tensor x = mid_block_.forward(conv_in_.forward(latents));
    for (const auto& stage : stages_) x = stage->forward(x);
    return conv_out_.forward(norm_silu(conv_norm_out_, x));
  }

 private:
  Conv2d conv_in_;
  MidBlock mid_block_;
  std::vector<std::unique_ptr<Stage<Upsample>>> stages_;
  GroupNorm conv_norm_out_;
  Conv2d conv_out_;
};

std::unique_ptr<Conv2d> conv1x1(int64_t channels) {
  return std::make_unique<Conv2d>(
      Conv2d::Options{.in_channels = channels, .out_channels = channels, .kernel_size = 1});
}

/// @param moments  [B, 2 · latent_channels, h, w]: mean, log variance
LatentDistribution distribution_of(const at::Tensor& moments) {
  const auto halves = moments.chunk(2, 1);
  return {halves[0], halves[1].clamp(-30, 20)};
}

void check_channels(const at::Tensor& x, int64_t channels, const char* where) {
  if (x.dim() == 4 && x.size(1) == channels) return;
  throw Error(ErrorKind::kIncompatible, where,
              fmt::format("expected [B, {}, height, width], found {} dimensions with {} channels", channels,
                          x.dim(), x.dim() > 1 ? x.size(1) : 0),
              "use images or latents of this base's kind");
}

}  // namespace

struct AutoencoderKL::Parts {
  explicit Parts(const AutoencoderKLConfig& config) : encoder(config), decoder(config) {
    if (config.use_quant_conv) quant_conv = conv1x1(2 * config.latent_channels);
    if (config.use_post_quant_conv) post_quant_conv = conv1x1(config.latent_channels);
  }
  Encoder encoder;
  Decoder decoder;
  std::unique_ptr<Conv2d> quant_conv, post_quant_conv;
};

AutoencoderKL::AutoencoderKL(AutoencoderKLConfig c)
    : config(std::move(c)), parts_(std::make_unique<Parts>(config)) {
  register_module("encoder", parts_->encoder);
  register_module("decoder", parts_->decoder);
  if (parts_->quant_conv) register_module("quant_conv", *parts_->quant_conv);
  if (parts_->post_quant_conv) register_module("post_quant_conv", *parts_->post_quant_conv);
}

AutoencoderKL::~AutoencoderKL() = default;

void AutoencoderKL::check_image(const at::Tensor& image) const {
  check_channels(image, config.in_channels, "autoencoder: encode");
  if (image.size(2) % config.downsampling() || image.size(3) % config.downsampling()) {
    throw Error(ErrorKind::kUsage, "autoencoder: encode",
                fmt::format("the image is {}×{} pixels, both sides must be multiples of {}", image.size(3),
                            image.size(2), config.downsampling()),
                "crop or resize the image");
  }
}

at::Tensor AutoencoderKL::moments(const at::Tensor& image) const {
  const at::Tensor moments = parts_->encoder.forward(image);
  return parts_->quant_conv ? parts_->quant_conv->forward(moments) : moments;
}

LatentDistribution AutoencoderKL::encode(const at::Tensor& image) const {
  check_image(image);
  return distribution_of(moments(image));
}

LatentDistribution AutoencoderKL::encode_tiled(const at::Tensor& image, int64_t tile_latent_size) const {
  check_image(image);
  return distribution_of(in_overlapping_tiles(image, {tile_latent_size, config.downsampling(), 1},
                                              [this](const at::Tensor& tile) { return moments(tile); }));
}

at::Tensor AutoencoderKL::decode(const at::Tensor& latents) const {
  check_channels(latents, config.latent_channels, "autoencoder: decode");
  return parts_->decoder.forward(parts_->post_quant_conv ? parts_->post_quant_conv->forward(latents)
                                                         : latents);
}

at::Tensor AutoencoderKL::decode_tiled(const at::Tensor& latents, int64_t tile_latent_size) const {
  check_channels(latents, config.latent_channels, "autoencoder: decode in tiles");
  return in_overlapping_tiles(latents, {tile_latent_size, 1, config.downsampling()},
                              [this](const at::Tensor& tile) { return decode(tile); });
}

at::Tensor LatentDistribution::sample(at::Generator generator) const {
  const at::Tensor noise = at::randn(mean.sizes(), generator, at::kFloat).to(mean.options());
  return mean + (0.5 * logvar).exp() * noise;
}

AutoencoderKLConfig AutoencoderKLConfig::from_json(const nlohmann::json& json) {
  ConfigReader reader(json, "vae config");
  AutoencoderKLConfig config;
  // Values for absent fields are diffusers' own, which are not SDXL's.
  config.in_channels = reader.get<int64_t>("in_channels", 3);
  config.out_channels = reader.get<int64_t>("out_channels", 3);
  config.latent_channels = reader.get<int64_t>("latent_channels", 4);
  config.block_out_channels = reader.get<std::vector<int64_t>>("block_out_channels");
  config.layers_per_block = reader.get<int64_t>("layers_per_block", 1);
  config.norm_num_groups = reader.get<int64_t>("norm_num_groups", 32);
  config.sample_size = reader.get<int64_t>("sample_size", 32);
  config.scaling_factor = reader.get<double>("scaling_factor", 0.18215);
  config.force_upcast = reader.get<bool>("force_upcast", true);
  config.use_quant_conv = reader.get<bool>("use_quant_conv", true);
  config.use_post_quant_conv = reader.get<bool>("use_post_quant_conv", true);
  config.mid_block_add_attention = reader.get<bool>("mid_block_add_attention", true);
  const size_t blocks = config.block_out_channels.size();
  reader.expect("down_block_types", std::vector<std::string>(blocks, "DownEncoderBlock2D"));
  reader.expect("up_block_types", std::vector<std::string>(blocks, "UpDecoderBlock2D"));
  reader.expect("act_fn", "silu");
  reader.expect("shift_factor", nullptr);
  reader.expect("latents_mean", nullptr);
  reader.expect("latents_std", nullptr);
  reader.finish();
  if (blocks == 0) reader.unsupported("block_out_channels", "at least one block");
  if (config.layers_per_block < 1 || config.layers_per_block > kMostLayers)
    reader.unsupported("layers_per_block", fmt::format("1 or more, at most {}", kMostLayers));
  for (const int64_t channels : config.block_out_channels) {
    if (config.norm_num_groups < 1 || channels < 1 || channels > kLargestSize ||
        channels % config.norm_num_groups) {
      reader.unsupported("block_out_channels",
                         fmt::format("multiples of norm_num_groups {}", config.norm_num_groups));
    }
  }
  return config;
}

nlohmann::json AutoencoderKLConfig::to_json() const {
  const size_t blocks = block_out_channels.size();
  return {{"_class_name", "AutoencoderKL"},
          {"act_fn", "silu"},
          {"block_out_channels", block_out_channels},
          {"down_block_types", std::vector<std::string>(blocks, "DownEncoderBlock2D")},
          {"force_upcast", force_upcast},
          {"in_channels", in_channels},
          {"latent_channels", latent_channels},
          {"layers_per_block", layers_per_block},
          {"mid_block_add_attention", mid_block_add_attention},
          {"norm_num_groups", norm_num_groups},
          {"out_channels", out_channels},
          {"sample_size", sample_size},
          {"scaling_factor", scaling_factor},
          {"up_block_types", std::vector<std::string>(blocks, "UpDecoderBlock2D")},
          {"use_post_quant_conv", use_post_quant_conv},
          {"use_quant_conv", use_quant_conv}};
}

}  // namespace ziplora
