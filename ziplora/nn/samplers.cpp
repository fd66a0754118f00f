#include "ziplora/nn/samplers.h"

#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/upsample_nearest2d.h>

namespace ziplora {

Downsample::Downsample(int64_t channels, Padding padding)
    : padding_(padding),
      conv_({.in_channels = channels,
             .out_channels = channels,
             .kernel_size = 3,
             .stride = 2,
             .padding = padding == Padding::kSymmetric ? 1 : 0}) {
  register_module("conv", conv_);
}

at::Tensor Downsample::forward(const at::Tensor& x) const {
  if (padding_ == Padding::kSymmetric) return conv_.forward(x);
  return conv_.forward(at::constant_pad_nd(x, {0, 1, 0, 1}));
}

Upsample::Upsample(int64_t channels)
    : conv_({.in_channels = channels, .out_channels = channels, .kernel_size = 3, .padding = 1}) {
  register_module("conv", conv_);
}

at::Tensor Upsample::forward(const at::Tensor& x, std::optional<Size> size) const {
  const Size target = size.value_or(Size{2 * x.size(2), 2 * x.size(3)});
  return conv_.forward(at::upsample_nearest2d(x, {target.height, target.width}));
}

}  // namespace ziplora
