#include "ziplora/merge/input_routing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/merge/row_space_routing.h"

namespace ziplora {
namespace {

constexpr int64_t kRanks = 5, kIn = 7, kOut = 6, kTokens = 40;

double largest(const at::Tensor& difference) { return difference.abs().max().item<double>(); }

class InputRouting : public testing::Test {
 protected:
  at::Tensor random(at::IntArrayRef sizes) { return at::randn(sizes, generator_, at::kDouble); }
  at::Tensor gram() {
    const at::Tensor x = random({kTokens, kIn});
    return x.t().matmul(x) / static_cast<double>(kTokens);
  }
  at::Generator generator_ = make_generator(1);
  const at::Tensor down_ = at::randn({kRanks, kIn}, make_generator(2), at::kDouble);
  const at::Tensor up_ = at::randn({kOut, kRanks}, make_generator(3), at::kDouble);
  const at::Tensor first_ = at::tensor({1.0, 1.0, 0.0, 0.0, 0.0}, at::kDouble), second_ = 1 - first_;
};

TEST_F(InputRouting, OfOneContextWithEveryShareChangesNothing) {
  EXPECT_LT(largest(routed_downs(down_, {{2.0, gram(), first_ + second_}}, 0.01) - down_), 1e-12);
}

/// Over every ΔW, not only those of the ups' columns.
TEST_F(InputRouting, MinimisesTheErrorOfAllContextsAndTheRidge) {
  const double ridge = 0.1;
  const std::vector<RoutedContext> contexts{{1.0, gram(), first_}, {3.0, gram(), second_}};
  const at::Tensor all = contexts[0].moments + 3.0 * contexts[1].moments;
  const auto squares = [](const at::Tensor& delta, const at::Tensor& moments) {
    return (delta.matmul(moments) * delta).sum().item<double>();
  };
  const auto cost = [&](const at::Tensor& delta) {
    double sum = ridge * all.diagonal().mean().item<double>() *
                 (delta - up_.matmul(down_)).square().sum().item<double>();
    for (const RoutedContext& context : contexts)
      sum += context.weight *
             squares(delta - up_.matmul(at::diag(context.shares)).matmul(down_), context.moments);
    return sum;
  };
  const at::Tensor best = up_.matmul(routed_downs(down_, contexts, ridge));
  for (int i = 0; i < 5; ++i) EXPECT_LT(cost(best), cost(best + 1e-3 * random({kOut, kIn})));
}

TEST_F(InputRouting, OfAHeavyJointContextIsItsShares) {
  const at::Tensor joint = 0.7 * first_ + second_;
  const std::vector<RoutedContext> contexts{
      {1.0, gram(), first_}, {1.0, gram(), second_}, {1e9, gram(), joint}};
  EXPECT_LT(largest(routed_downs(down_, contexts, 0) - joint.unsqueeze(1) * down_), 1e-6);
}

TEST_F(InputRouting, EqualsTheRowSpaceRouterWhereTheDownsSpanTheInputs) {
  const at::Tensor down = random({kIn, kIn}), shares = at::tensor({1., 1., 1., 0., 0., 0., 0.}, at::kDouble);
  const at::Tensor first = gram(), second = gram();
  const auto in_rows = [&](const at::Tensor& moments) { return down.matmul(moments).matmul(down.t()); };
  const at::Tensor by_inputs = routed_downs(down, {{1.0, first, shares}, {4.0, second, 1 - shares}}, 0);
  const at::Tensor by_rows = router({{1.0, in_rows(first), shares}, {4.0, in_rows(second), 1 - shares}}, 0);
  EXPECT_LT(largest(by_inputs - by_rows.matmul(down)), 1e-8);
}

TEST_F(InputRouting, LeavesWhatNothingReachesAsItIs) {
  EXPECT_EQ(largest(routed_downs(down_, {{1.0, at::zeros({kIn, kIn}, at::kDouble), first_}}, 0.01) - down_),
            0);
}

TEST_F(InputRouting, OfSingularMomentsNeedsARidge) {
  const at::Tensor x = random({2, kIn}), moments = x.t().matmul(x);
  EXPECT_TRUE(routed_downs(down_, {{1.0, moments, first_}}, 0.01).isfinite().all().item<bool>());
  try {
    routed_downs(down_, {{1.0, moments, first_}}, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
  }
}

}  // namespace
}  // namespace ziplora
