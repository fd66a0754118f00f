#include "ziplora/analyze/column_coefficients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

double largest(const at::Tensor& values) { return values.abs().max().item<double>(); }

class ColumnCoefficientsOf : public testing::TestWithParam<bool> {
 protected:
  at::Tensor random(std::vector<int64_t> sizes) { return at::randn(sizes, generator_, at::kDouble); }
  LoraLayer layer(int64_t rank) {
    const std::vector<int64_t> kernel = GetParam() ? std::vector<int64_t>{3, 3} : std::vector<int64_t>{};
    std::vector<int64_t> down{rank, 7}, up{12, rank};
    down.insert(down.end(), kernel.begin(), kernel.end());
    if (GetParam()) up.insert(up.end(), {1, 1});
    return {random(down), random(up), 2.0};
  }
  at::Tensor scaled(const LoraLayer& of, const at::Tensor& m) const {
    return of.down * (GetParam() ? m.view({-1, 1, 1}) : m);
  }

  at::Generator generator_ = make_generator(1);
  const LoraLayer dog_ = layer(4), ink_ = layer(3);
  const at::Tensor of_dog_ = random({7}), of_ink_ = random({7});
  const LayerParts parts_{{0, &dog_, 1.0}, {1, &ink_, 0.5}};
  /// As a file has it: the scales in other places than the inputs have them.
  const LoraLayer merged_{at::cat({5 * scaled(dog_, of_dog_), scaled(ink_, of_ink_)}),
                          at::cat({dog_.up * (dog_.scale() / 5), ink_.up*(0.5 * ink_.scale())}, 1),
                          std::nullopt};
};

TEST_P(ColumnCoefficientsOf, AMergeThatWasMadeOfThemAreThose) {
  const ColumnCoefficients found = find_coefficients(parts_, &merged_);
  EXPECT_LT(largest(found.values[0] - of_dog_), 1e-12);
  EXPECT_LT(largest(found.values[1] - of_ink_), 1e-12);
  EXPECT_LT(found.residual, 1e-12 * found.energy);
}

TEST_P(ColumnCoefficientsOf, AMergeOfOtherRanksAreTheLeastSquares) {
  LoraLayer other = merged_;  // the same ΔW at one rank more
  other.down = at::cat({other.down, 0 * other.down.narrow(0, 0, 1)});
  other.up = at::cat({other.up, other.up.narrow(1, 0, 1)}, 1);
  const ColumnCoefficients found = find_coefficients(parts_, &other);
  EXPECT_LT(largest(found.values[0] - of_dog_) + largest(found.values[1] - of_ink_), 1e-9);
  EXPECT_LT(found.residual, 1e-12 * found.energy);
}

TEST_P(ColumnCoefficientsOf, AnotherMergeLeavesAResidual) {
  LoraLayer mixed = merged_;
  mixed.up = mixed.up.flip(1);
  const ColumnCoefficients found = find_coefficients(parts_, &mixed);
  EXPECT_GT(found.residual, 0.1 * found.energy);
  EXPECT_LT(found.residual, found.energy);
}

TEST_P(ColumnCoefficientsOf, ALayerThatIsLeftOutAreZeroAndOfAnEmptyColumnNone) {
  LoraLayer hollow = dog_;
  hollow.down = dog_.down.clone();
  hollow.down.select(1, 2).zero_();
  const ColumnCoefficients found = find_coefficients({{0, &hollow, 1.0}}, nullptr);
  EXPECT_TRUE(found.values[0][2].isnan().item<bool>());
  EXPECT_EQ(found.values[0].isnan().sum().item<int64_t>(), 1);
  EXPECT_EQ(found.values[0].nansum().item<double>(), 0);
}

INSTANTIATE_TEST_SUITE_P(Layers, ColumnCoefficientsOf, testing::Bool(), [](const auto& is_convolution) {
  return is_convolution.param ? "Convolution" : "Linear";
});

}  // namespace
}  // namespace ziplora
