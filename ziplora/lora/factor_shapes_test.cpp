#include "ziplora/lora/factor_shapes.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace ziplora {
namespace {

using Shape = std::vector<int64_t>;

LoraLayer zeros(const Shape& down, const Shape& up) { return {at::zeros(down), at::zeros(up), std::nullopt}; }

TEST(FactorShapes, OfLinearAndConvolutionWeights) {
  EXPECT_EQ(factor_shapes({12, 7}, 3).down, (Shape{3, 7}));
  EXPECT_EQ(factor_shapes({12, 7}, 3).up, (Shape{12, 3}));
  EXPECT_EQ(factor_shapes({12, 7, 3, 5}, 2).down, (Shape{2, 7, 3, 5}));
  EXPECT_EQ(factor_shapes({12, 7, 3, 5}, 2).up, (Shape{12, 2, 1, 1}));
}

TEST(FactorShapes, FitOnlyAWeightOfTheirOwnForm) {
  EXPECT_TRUE(factors_fit(zeros({3, 7}, {12, 3}), {12, 7}));
  EXPECT_TRUE(factors_fit(zeros({2, 7, 3, 3}, {12, 2, 1, 1}), {12, 7, 3, 3}));
  EXPECT_FALSE(factors_fit(zeros({3, 7}, {12, 4}), {12, 7}));              // ranks differ
  EXPECT_FALSE(factors_fit(zeros({3, 8}, {12, 3}), {12, 7}));              // another input width
  EXPECT_FALSE(factors_fit(zeros({3, 7}, {13, 3}), {12, 7}));              // another output width
  EXPECT_FALSE(factors_fit(zeros({3, 7, 1, 1}, {12, 3, 1, 1}), {12, 7}));  // a convolution's
  EXPECT_FALSE(factors_fit(zeros({3, 7}, {12, 3}), {12, 7, 1, 1}));        // a linear layer's
}

TEST(FactorShapes, AreDescribedForMessages) {
  EXPECT_EQ(describe_shapes(zeros({3, 7}, {12, 3})), "down [3, 7] and up [12, 3]");
}

}  // namespace
}  // namespace ziplora
