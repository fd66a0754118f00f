#pragma once
/// A frozen convolution whose weight stays in oneDNN's own order. at::conv2d brings it into that order in every call, which
/// for a small model's 3 × 3 weights on few pixels takes as long as the products.
///
///     std::optional<at::Tensor> y = packed.forward(x, weight, bias, stride, padding);
///     if (!y) y = at::conv2d(x, weight, bias, stride, padding);  // has the same values
///
/// Holds a second copy of the weight, so large ones stay as they are: their products outweigh the reordering. For drawing
/// alone, which runs in c10::InferenceMode: nothing there can ask for gradients, which the packed product has not.

#include <ATen/core/Tensor.h>

#include <mutex>
#include <optional>

namespace ziplora {

class PackedConvolution {
 public:
  /// Weights of more values than this are never packed: 8 MiB in float32.
  static constexpr int64_t kMostValues = int64_t{2} << 20;

  /// @param x       [B, in, H, W], on the CPU, float32 or bfloat16
  /// @param weight  [out, in, k, k] of the dtype of x; what is kept is made anew when it has changed
  /// @param bias    [out] or undefined
  /// @return        nothing outside c10::InferenceMode, or where the weight is large or 1 × 1, or this LibTorch cannot do it
  std::optional<at::Tensor> forward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                    int64_t stride, int64_t padding) const;

 private:
  at::Tensor packed(const at::Tensor& x, const at::Tensor& weight, int64_t stride, int64_t padding) const;

  mutable std::mutex mutex_;
  mutable at::Tensor packed_;
  mutable const void* of_ = nullptr;  // the weight's values, as they were at this version
  mutable uint32_t version_ = 0;
};

}  // namespace ziplora
