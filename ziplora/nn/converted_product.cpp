#include "ziplora/nn/converted_product.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <torch/csrc/autograd/custom_function.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

using torch::autograd::AutogradContext;
using Tensors = std::vector<at::Tensor>;

at::Tensor converted(const at::Tensor& tensor, at::ScalarType dtype) {
  return tensor.defined() ? tensor.to(dtype) : tensor;
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias) {
    context->save_for_backward({weight});
    // Into a tensor of its own: at::linear may return a view, and autograd forbids in-place changes of that.
    std::vector<int64_t> shape = x.sizes().vec();
    shape.back() = weight.size(0);
    at::Tensor y = at::empty(shape, x.options());
    at::linear_out(y, x, weight.to(x.scalar_type()), converted(bias.value_or(at::Tensor()), x.scalar_type()));
    return y;
  }
  static Tensors backward(AutogradContext* context, const Tensors& gradients) {
    const at::Tensor weight = context->get_saved_variables()[0];
    return {at::matmul(gradients[0], weight.to(gradients[0].scalar_type())), {}, {}};
  }
};

struct ConvolutionFunction : torch::autograd::Function<ConvolutionFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias, int64_t stride, int64_t padding) {
    context->save_for_backward({weight});
    context->saved_data["x_shape"] = x.sizes().vec();
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    return at::conv2d(x, weight.to(x.scalar_type()), converted(bias.value_or(at::Tensor()), x.scalar_type()),
                      {stride, stride}, {padding, padding});
  }
  static Tensors backward(AutogradContext* context, const Tensors& gradients) {
    const at::Tensor& gradient = gradients[0];
    const at::Tensor weight = context->get_saved_variables()[0].to(gradient.scalar_type());
    const std::vector<int64_t> stride(2, context->saved_data["stride"].toInt());
    const std::vector<int64_t> padding(2, context->saved_data["padding"].toInt());
    // The gradient of x depends only on its shape: an uninitialised tensor stands in, so x need not be kept.
    const at::Tensor x = at::empty(context->saved_data["x_shape"].toIntVector(), gradient.options(),
                                   gradient.suggest_memory_format());
    const auto [for_x, for_weight, for_bias] = at::convolution_backward(
        gradient, x, weight, at::OptionalIntArrayRef(), stride, padding, /*dilation=*/{1, 1},
        /*transposed=*/false, /*output_padding=*/{0, 0}, /*groups=*/1, {true, false, false});
    return {for_x, {}, {}, {}, {}};
  }
};

void check_frozen(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& x) {
  if (!weight.requires_grad() && !(bias.defined() && bias.requires_grad())) return;
  throw Error(ErrorKind::kInternal, "converted product",
              std::string("a trained weight is stored as ") + c10::toString(weight.scalar_type()) +
                  " under activations of " + c10::toString(x.scalar_type()),
              "load the weights that are trained in the activations' dtype");
}

std::optional<at::Tensor> optional(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

}  // namespace

at::Tensor linear_converted(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  check_frozen(weight, bias, x);
  return LinearFunction::apply(x, weight, optional(bias));
}

at::Tensor conv2d_converted(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                            int64_t stride, int64_t padding) {
  check_frozen(weight, bias, x);
  return ConvolutionFunction::apply(x, weight, optional(bias), stride, padding);
}

}  // namespace ziplora
