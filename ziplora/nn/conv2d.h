#pragma once
/// A 2-D convolution with an adapter slot. Matches torch.nn.Conv2d. An adapter's down factor has the layer's
/// kernel, stride and padding; its up factor is 1×1 (LoCon without mid). The dtype of a frozen weight may
/// differ from that of x (nn/converted_product.h); the result has the dtype of x.

#include "ziplora/nn/adapter_slot.h"
#include "ziplora/nn/module.h"
#include "ziplora/nn/packed_convolution.h"

namespace ziplora {

class Conv2d : public Module {
 public:
  struct Options {
    int64_t in_channels, out_channels, kernel_size;
    int64_t stride = 1, padding = 0;
  };
  explicit Conv2d(Options options);

  /// @param x  [B, in, H, W]
  /// @return   [B, out, H', W']
  at::Tensor forward(const at::Tensor& x) const;
  void reset_parameters(at::Generator generator) override;

  const Options options;
  at::Tensor weight;  ///< [out, in, k, k]
  at::Tensor bias;    ///< [out]
  AdapterSlot adapter;

 private:
  at::Tensor product(const at::Tensor& x, const at::Tensor& shared_bias) const;

  PackedConvolution packed_;
};

}  // namespace ziplora
