#include "ziplora/merge/task_arithmetic.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace ziplora {
namespace {

TEST(TaskArithmetic, KeepsTheLargestValuesWhereTheyAre) {
  const at::Tensor values = at::tensor({1.0f, -5.0f, 0.5f, 3.0f, -2.0f}).view({5, 1});
  const at::Tensor kept = keep_largest(values, 0.5);  // ⌊2.5⌋
  EXPECT_TRUE(kept.equal(at::tensor({0.0f, -5.0f, 0.0f, 3.0f, 0.0f}).view({5, 1})));
  EXPECT_TRUE(keep_largest(values, 1.0).equal(values));
  EXPECT_EQ(keep_largest(values, 0.0).abs().sum().item<float>(), 0);
  EXPECT_EQ(keep_largest(values, 0.1).sum().item<float>(), -5);  // ⌊0.5⌋, but at least one
  EXPECT_EQ(keep_largest(values.narrow(0, 0, 0), 0.1).numel(), 0);
}

TEST(TaskArithmetic, RandomValuesKeepTheMeanAndComeFromTheSeed) {
  const at::Tensor values = at::ones({400, 500});
  const at::Tensor kept = keep_random(values, 0.2, 3);
  EXPECT_NEAR(kept.mean().item<double>(), 1.0, 0.02);  // σ = 2 / √200000
  EXPECT_NEAR((kept != 0).to(at::kFloat).mean().item<double>(), 0.2, 0.004);
  EXPECT_EQ(kept.max().item<float>(), 5.0f);
  EXPECT_TRUE(kept.equal(keep_random(values, 0.2, 3)));
  EXPECT_FALSE(kept.equal(keep_random(values, 0.2, 4)));
}

TEST(TaskArithmetic, ElectsASignByValuesOrByVotes) {
  const at::Tensor stacked = at::stack(
      {at::tensor({5.0f, 1.0f, 0.0f}), at::tensor({-1.0f, -1.0f, 2.0f}), at::tensor({-1.0f, 0.0f, 2.0f})});
  // By value the first place is positive, by votes negative; a tie (second place) elects plus.
  const at::Tensor total = elected_signs(stacked, MajoritySign::kTotal),
                   votes = elected_signs(stacked, MajoritySign::kFrequency);
  EXPECT_TRUE(total.equal(at::tensor({1, 1, 0, 0, 0, 1, 0, 0, 1}).view({3, 3}).to(at::kBool)));
  EXPECT_TRUE(votes.equal(at::tensor({0, 1, 0, 1, 0, 1, 1, 0, 1}).view({3, 3}).to(at::kBool)));
  EXPECT_TRUE(disjoint_mean(stacked, total).equal(at::tensor({5.0f, 1.0f, 2.0f})));
  EXPECT_TRUE(disjoint_mean(stacked, votes).equal(at::tensor({-1.0f, 1.0f, 2.0f})));
}

}  // namespace
}  // namespace ziplora
