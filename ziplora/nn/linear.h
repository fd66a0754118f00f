#pragma once
/// A linear layer with an adapter slot: y = W x + b + up · (gate ⊙ (down · x)). Matches torch.nn.Linear. The
/// dtype of a frozen weight may differ from that of x (nn/converted_product.h); the result has the dtype of
/// x.

#include "ziplora/nn/adapter_slot.h"
#include "ziplora/nn/module.h"

namespace ziplora {

class Linear : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, bool with_bias = true);

  /// @param x  [B, …, in]
  /// @return   [B, …, out]
  at::Tensor forward(const at::Tensor& x) const;
  void reset_parameters(at::Generator generator) override;

  int64_t in_features, out_features;
  at::Tensor weight;  ///< [out, in]
  at::Tensor bias;    ///< [out], or undefined
  AdapterSlot adapter;

 private:
  bool with_bias_;
};

}  // namespace ziplora
