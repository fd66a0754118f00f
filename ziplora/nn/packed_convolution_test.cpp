#include "ziplora/nn/packed_convolution.h"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/rand.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

at::Tensor convolved(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, int64_t stride) {
  return at::conv2d(x, weight, bias, std::vector<int64_t>(2, stride), std::vector<int64_t>(2, 1));
}

/// Largest difference as a part of the largest value.
double difference(const at::Tensor& found, const at::Tensor& expected) {
  return (found - expected).abs().max().item<double>() / expected.abs().max().item<double>();
}

class PackedConvolutionTest : public testing::Test {
 protected:
  /// Uniform from −½ to ½, the same in every run.
  at::Tensor values(at::IntArrayRef sizes) { return at::rand(sizes, generator) - 0.5; }

  at::Generator generator = make_generator(1);
  at::Tensor x = values({2, 32, 9, 7}), weight = values({48, 32, 3, 3}), bias = values({48});
  PackedConvolution packed;
  c10::InferenceMode drawing;
};

TEST_F(PackedConvolutionTest, HasTheValuesOfAPlainOne) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
    for (const int64_t stride : {1, 2})
      for (const int64_t rows : {1, 2}) {
        const PackedConvolution fresh;
        const at::Tensor some = x.narrow(0, 0, rows).to(type), kernel = weight.to(type),
                         shift = bias.to(type);
        for (int call = 0; call < 2; ++call) {
          const auto y = fresh.forward(some, kernel, shift, stride, 1);
          ASSERT_TRUE(y);
          EXPECT_EQ(y->scalar_type(), type);
          EXPECT_LT(difference(y->to(at::kDouble), convolved(some, kernel, shift, stride).to(at::kDouble)),
                    type == at::kFloat ? 1e-6 : 8e-3);
        }
      }
}

TEST_F(PackedConvolutionTest, TakesAnySizeAfterTheFirst) {
  ASSERT_TRUE(packed.forward(x, weight, {}, 1, 1));
  for (const auto& [height, width] : {std::pair(16, 16), {5, 40}}) {
    const at::Tensor other = values({3, 32, height, width});
    EXPECT_LT(difference(*packed.forward(other, weight, {}, 1, 1), convolved(other, weight, {}, 1)), 1e-6);
  }
}

TEST_F(PackedConvolutionTest, NoticesAChangedWeight) {
  ASSERT_TRUE(packed.forward(x, weight, bias, 1, 1));
  weight.mul_(-2);
  EXPECT_LT(difference(*packed.forward(x, weight, bias, 1, 1), convolved(x, weight, bias, 1)), 1e-6);
  const at::Tensor other = values({48, 32, 3, 3});
  EXPECT_LT(difference(*packed.forward(x, other, bias, 1, 1), convolved(x, other, bias, 1)), 1e-6);
}

TEST_F(PackedConvolutionTest, LeavesTheRestToThePlainOne) {
  EXPECT_FALSE(packed.forward(x.to(at::kDouble), weight.to(at::kDouble), {}, 1, 1));
  EXPECT_FALSE(packed.forward(x.to(at::kBFloat16), weight, {}, 1, 1));
  EXPECT_FALSE(packed.forward(x, at::rand({48, 32, 1, 1}), {}, 1, 0));
  EXPECT_FALSE(packed.forward(at::rand({1, 512, 4, 4}), at::rand({512, 512, 3, 3}), {}, 1, 1));
  EXPECT_TRUE(packed.forward(x, weight, bias, 1, 1));
  const c10::InferenceMode learning(false);
  EXPECT_FALSE(packed.forward(x, weight, bias, 1, 1));
}

}  // namespace
}  // namespace ziplora
