#pragma once
/// The KL autoencoder between pixels and latents, built from a diffusers `vae/config.json`. Names, outputs
/// and gradients equal those of diffusers' AutoencoderKL; proven by tests/parity/test_autoencoder.py.
///
///     at::Tensor latents = vae.encode(image * 2 - 1).mean * vae.config.scaling_factor;
///     at::Tensor image = vae.decode(latents / vae.config.scaling_factor);

#include <ATen/core/Tensor.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "ziplora/nn/module.h"

namespace ziplora {

struct AutoencoderKLConfig {
  int64_t in_channels = 3, out_channels = 3, latent_channels = 4;
  std::vector<int64_t> block_out_channels{128, 256, 512, 512};
  int64_t layers_per_block = 2;
  int64_t norm_num_groups = 32;
  int64_t sample_size = 1024;
  double scaling_factor = 0.13025;
  bool force_upcast = true;
  bool use_quant_conv = true, use_post_quant_conv = true;
  bool mid_block_add_attention = true;

  /// Pixels per latent: 2^(blocks − 1).
  int64_t downsampling() const { return int64_t{1} << (block_out_channels.size() - 1); }

  static AutoencoderKLConfig from_json(const nlohmann::json& config);
  nlohmann::json to_json() const;
};

/// A diagonal Gaussian over latents, not yet scaled.
struct LatentDistribution {
  at::Tensor mean, logvar;  ///< [B, latent_channels, h, w]; logvar clamped to −30…20
  at::Tensor sample(at::Generator generator) const;
};

class AutoencoderKL : public Module {
 public:
  explicit AutoencoderKL(AutoencoderKLConfig config);
  ~AutoencoderKL() override;

  /// @param image  [B, 3, H, W] in −1…1, H and W multiples of `downsampling()`
  LatentDistribution encode(const at::Tensor& image) const;
  /// As `encode`, in overlapping tiles with blended seams, so that memory does not grow with the image. Equals
  /// diffusers' `encode` with tiling on.
  /// @param tile_latent_size  a multiple of 4
  LatentDistribution encode_tiled(const at::Tensor& image, int64_t tile_latent_size) const;
  /// @param latents  [B, latent_channels, h, w], divided by scaling_factor
  /// @return         [B, 3, H, W], about −1…1, not clamped
  at::Tensor decode(const at::Tensor& latents) const;
  /// As `decode`, in such tiles. Equals diffusers' `decode` with tiling on.
  at::Tensor decode_tiled(const at::Tensor& latents, int64_t tile_latent_size) const;

  /// The tile size that diffusers would take: that of the images the autoencoder was trained for.
  int64_t default_tile_latent_size() const { return config.sample_size / config.downsampling(); }

  const AutoencoderKLConfig config;

 private:
  void check_image(const at::Tensor& image) const;
  at::Tensor moments(const at::Tensor& image) const;

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace ziplora
