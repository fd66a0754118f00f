#include "ziplora/nn/packed_convolution.h"

#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/mkldnn_reorder_conv2d_weight.h>
#include <ATen/ops/to_mkldnn.h>
#include <c10/core/InferenceMode.h>

#include <vector>

namespace ziplora {
namespace {

/// What torch.compile's CPU code calls for a convolution of a packed weight.
const std::optional<c10::OperatorHandle>& packed_product() {
  static const std::optional<c10::OperatorHandle> found =
      c10::Dispatcher::singleton().findSchema({"mkldnn::_convolution_pointwise", ""});
  return found;
}

bool applies(const at::Tensor& x, const at::Tensor& weight) {
  const bool is_fit = x.is_cpu() && weight.is_cpu() && x.scalar_type() == weight.scalar_type() &&
                      (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
  const bool is_small = weight.size(2) > 1 && weight.numel() <= PackedConvolution::kMostValues;
  return c10::InferenceMode::is_enabled() && is_fit && is_small && at::globalContext().userEnabledMkldnn() &&
         packed_product();
}

uint32_t version_of(const at::Tensor& weight) { return weight.is_inference() ? 0 : weight._version(); }

}  // namespace

at::Tensor PackedConvolution::packed(const at::Tensor& x, const at::Tensor& weight, int64_t stride,
                                     int64_t padding) const {
  const std::lock_guard lock(mutex_);
  if (packed_.defined() && of_ == weight.data_ptr() && version_ == version_of(weight)) return packed_;
  packed_ = at::mkldnn_reorder_conv2d_weight(weight.detach().to_mkldnn(), {padding, padding},
                                             {stride, stride}, {1, 1}, 1, at::OptionalIntArrayRef(x.sizes()));
  of_ = weight.data_ptr();
  version_ = version_of(weight);
  return packed_;
}

std::optional<at::Tensor> PackedConvolution::forward(const at::Tensor& x, const at::Tensor& weight,
                                                     const at::Tensor& bias, int64_t stride,
                                                     int64_t padding) const {
  if (!applies(x, weight)) return std::nullopt;
  const std::vector<int64_t> paddings(2, padding), strides(2, stride), dilations(2, 1);
  torch::jit::Stack stack{x, packed(x, weight, stride, padding)};
  stack.emplace_back(bias.defined() ? c10::IValue(bias) : c10::IValue());
  for (const std::vector<int64_t>& numbers : {paddings, strides, dilations}) stack.emplace_back(numbers);
  stack.emplace_back(int64_t{1});  // groups
  stack.emplace_back("none");      // what follows the product, and its scalars and algorithm
  stack.emplace_back(c10::List<std::optional<at::Scalar>>());
  stack.emplace_back();
  packed_product()->callBoxed(stack);
  return stack.front().toTensor();
}

}  // namespace ziplora
