// A weight stored in bfloat16 under float32 activations gives the numbers of a converted model without its
// memory.
#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {
namespace {

struct Result {
  at::Tensor y, x_gradient, down_gradient, up_gradient;
};

/// Forward and backward of the layer with fresh leaves.
template <class Layer>
Result run(Layer& layer, const at::Tensor& x, const LowRankUpdate& update) {
  const at::Tensor input = x.detach().clone().set_requires_grad(true);
  const at::Tensor down = update.down.detach().clone().set_requires_grad(true);
  const at::Tensor up = update.up.detach().clone().set_requires_grad(true);
  layer.adapter.set({down, up, {}});
  const at::Tensor y = layer.forward(input);
  y.square().sum().backward();
  return {y.detach(), input.grad(), down.grad(), up.grad()};
}

template <class Layer>
void expect_equal_to_a_converted_layer(Layer& layer, const at::Tensor& x, const LowRankUpdate& update,
                                       at::ScalarType stored) {
  layer.weight = layer.weight.to(stored);
  layer.bias = layer.bias.to(stored);
  const Result found = run(layer, x, update);
  layer.weight = layer.weight.to(at::kFloat);
  layer.bias = layer.bias.to(at::kFloat);
  const Result expected = run(layer, x, update);
  EXPECT_EQ(found.y.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(found.y, expected.y, 1e-6, 1e-6));
  EXPECT_TRUE(at::allclose(found.x_gradient, expected.x_gradient, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(found.down_gradient, expected.down_gradient, 1e-5, 1e-5));
  EXPECT_TRUE(at::allclose(found.up_gradient, expected.up_gradient, 1e-5, 1e-5));
}

TEST(ConvertedProduct, LinearEqualsAConvertedLayer) {
  at::Generator generator = make_generator(1);
  for (const at::ScalarType stored : {at::kBFloat16, at::kHalf}) {
    Linear layer(6, 4);
    layer.reset_parameters(generator);
    expect_equal_to_a_converted_layer(layer, at::randn({2, 3, 6}, generator),
                                      {at::randn({2, 6}, generator), at::randn({4, 2}, generator), {}},
                                      stored);
  }
}

TEST(ConvertedProduct, ConvolutionEqualsAConvertedLayer) {
  at::Generator generator = make_generator(2);
  for (const at::ScalarType stored : {at::kBFloat16, at::kHalf}) {
    Conv2d layer({.in_channels = 6, .out_channels = 4, .kernel_size = 3, .stride = 2, .padding = 1});
    layer.reset_parameters(generator);
    expect_equal_to_a_converted_layer(
        layer, at::randn({2, 6, 7, 8}, generator),
        {at::randn({2, 6, 3, 3}, generator), at::randn({4, 2, 1, 1}, generator), {}}, stored);
  }
}

TEST(ConvertedProduct, NormsTakeStoredVectors) {
  at::Generator generator = make_generator(3);
  GroupNorm norm(2, 4, 1e-5);
  norm.weight = at::randn({4}, generator).to(at::kBFloat16);
  norm.bias = at::randn({4}, generator).to(at::kBFloat16);
  const at::Tensor x = at::randn({2, 4, 3, 3}, generator);
  const at::Tensor found = norm.forward(x);
  norm.weight = norm.weight.to(at::kFloat);
  norm.bias = norm.bias.to(at::kFloat);
  EXPECT_TRUE(found.equal(norm.forward(x)));
}

TEST(ConvertedProduct, RefusesAWeightThatIsTrained) {
  at::Generator generator = make_generator(4);
  Linear layer(3, 2);
  layer.reset_parameters(generator);
  layer.weight = layer.weight.to(at::kBFloat16).set_requires_grad(true);
  EXPECT_THROW(layer.forward(at::randn({1, 3}, generator)), Error);
}

}  // namespace
}  // namespace ziplora
