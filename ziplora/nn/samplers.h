#pragma once
/// Halve and double the sides of a feature map, as diffusers' Downsample2D and Upsample2D with use_conv.
///
///     Downsample down(channels, Downsample::Padding::kSymmetric);  // [B, C, 16, 16] → [B, C, 8, 8]
///     Upsample up(channels);                                       // and back

#include <optional>

#include "ziplora/nn/conv2d.h"

namespace ziplora {

/// A 3×3 convolution of stride 2.
class Downsample : public Module {
 public:
  enum class Padding {
    kSymmetric,    ///< one pixel on every side (UNet)
    kBottomRight,  ///< one pixel below and to the right (the autoencoder's encoder)
  };
  Downsample(int64_t channels, Padding padding);
  /// @param x  [B, C, H, W]
  /// @return   [B, C, ⌈H/2⌉, ⌈W/2⌉]; with kBottomRight ⌊·⌋
  at::Tensor forward(const at::Tensor& x) const;

 private:
  Padding padding_;
  Conv2d conv_;
};

/// Nearest-neighbour enlargement, then a 3×3 convolution.
class Upsample : public Module {
 public:
  struct Size {
    int64_t height, width;
  };
  explicit Upsample(int64_t channels);
  /// @param x     [B, C, H, W]
  /// @param size  sides of the result, needed where the way down halved an odd side; default: twice x's
  at::Tensor forward(const at::Tensor& x, std::optional<Size> size = std::nullopt) const;

 private:
  Conv2d conv_;
};

}  // namespace ziplora
