#include "ziplora/merge/row_space_routing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

constexpr int64_t kRanks = 5, kIn = 7, kOut = 6, kTokens = 40;

double largest(const at::Tensor& difference) { return difference.abs().max().item<double>(); }

class Router : public testing::Test {
 protected:
  at::Tensor random(at::IntArrayRef sizes) { return at::randn(sizes, generator_, at::kDouble); }
  /// Inputs of a context, [tokens, in].
  at::Tensor inputs() { return random({kTokens, kIn}); }
  at::Tensor moments(const at::Tensor& x) const {
    const at::Tensor z = x.matmul(down_.t());
    return z.t().matmul(z) / static_cast<double>(x.size(0));
  }
  at::Generator generator_ = make_generator(1);
  const at::Tensor down_ = at::randn({kRanks, kIn}, make_generator(2), at::kDouble);
  const at::Tensor up_ = at::randn({kOut, kRanks}, make_generator(3), at::kDouble);
  const at::Tensor first_ = at::tensor({1.0, 1.0, 0.0, 0.0, 0.0}, at::kDouble), second_ = 1 - first_;
};

TEST_F(Router, OfOneContextWithEveryShareIsTheIdentity) {
  const RoutedContext all{2.0, moments(inputs()), first_ + second_};
  EXPECT_LT(largest(router({all}, 0.01) - at::eye(kRanks, at::kDouble)), 1e-12);
}

TEST_F(Router, MinimisesTheErrorOfAllContexts) {
  const at::Tensor x1 = inputs(), x2 = inputs();
  const std::vector<RoutedContext> contexts{{1.0, moments(x1), first_}, {3.0, moments(x2), second_}};
  const auto error = [&](const at::Tensor& route) {
    double sum = 0;
    for (const auto& [x, context] : {std::pair{x1, contexts[0]}, std::pair{x2, contexts[1]}}) {
      const at::Tensor z = x.matmul(down_.t());
      const at::Tensor missed = z.matmul((route - at::diag(context.shares)).t()).matmul(up_.t());
      sum += context.weight * missed.square().sum().item<double>() / static_cast<double>(x.size(0));
    }
    return sum;
  };
  const at::Tensor best = router(contexts, 0);
  for (int i = 0; i < 5; ++i) EXPECT_LT(error(best), error(best + 1e-3 * random({kRanks, kRanks})));
}

/// What `route` does in the space of all inputs: ΔW = Σ_k ΔW_k (Σ_c a_c g_ck S_c)(Σ_c a_c S_c)⁻¹. Where the downs span
/// the inputs, the two are one.
TEST_F(Router, EqualsRoutingTheInputsWhereTheDownsSpanThem) {
  const at::Tensor down = random({kIn, kIn}), up = random({kOut, kIn});
  const at::Tensor shares1 = at::cat({first_, first_.narrow(0, 0, 2)}), shares2 = 1 - shares1;
  std::vector<RoutedContext> contexts;
  at::Tensor asked = at::zeros({kOut, kIn}, at::kDouble), all = at::zeros({kIn, kIn}, at::kDouble);
  for (const auto& [weight, shares] : {std::pair{1.0, shares1}, std::pair{4.0, shares2}}) {
    const at::Tensor x = inputs(), gram = x.t().matmul(x) / static_cast<double>(kTokens);
    contexts.push_back({weight, down.matmul(gram).matmul(down.t()), shares});
    asked += weight * up.matmul(at::diag(shares)).matmul(down).matmul(gram);
    all += weight * gram;
  }
  EXPECT_LT(largest(up.matmul(router(contexts, 0)).matmul(down) - asked.matmul(all.inverse())), 1e-8);
}

TEST_F(Router, OfAHeavyJointContextIsItsShares) {
  const at::Tensor joint = 0.7 * first_ + second_;
  const std::vector<RoutedContext> contexts{
      {1.0, moments(inputs()), first_}, {1.0, moments(inputs()), second_}, {1e9, moments(inputs()), joint}};
  EXPECT_LT(largest(router(contexts, 0) - at::diag(joint)), 1e-6);
}

TEST_F(Router, DoesNotDependOnTheOrderOfContexts) {
  const RoutedContext a{1.0, moments(inputs()), first_}, b{2.0, moments(inputs()), second_};
  EXPECT_LT(largest(router({a, b}, 0.01) - router({b, a}, 0.01)), 1e-12);
}

TEST_F(Router, LeavesWhatNothingReachesAsItIs) {
  EXPECT_LT(largest(router({{1.0, at::zeros({kRanks, kRanks}, at::kDouble), first_}}, 0.01) -
                    at::eye(kRanks, at::kDouble)),
            1e-12);
}

TEST_F(Router, OfSingularMomentsNeedsARidge) {
  const at::Tensor one = random({1, kIn});
  const RoutedContext alike{1.0, moments(one), first_};
  EXPECT_TRUE(router({alike}, 0.01).isfinite().all().item<bool>());
  at::Tensor flat = at::zeros({kRanks, kRanks}, at::kDouble);
  flat[0][0].fill_(1.0);
  try {
    router({{1.0, flat, first_}}, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
  }
}

}  // namespace
}  // namespace ziplora
