#include "ziplora/merge/solved_coefficients.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

constexpr int64_t kIn = 6, kOut = 8, kTokens = 50;
const std::vector<int64_t> kRanks{2, 3};

double largest(const at::Tensor& difference) { return difference.abs().max().item<double>(); }

class SolvedCoefficients : public testing::Test {
 protected:
  at::Tensor random(at::IntArrayRef sizes) { return at::randn(sizes, generator_, at::kDouble); }
  /// ΔW of the parts with columns multiplied: Σ_k U_k D_k diag(m_k)
  at::Tensor merged(const at::Tensor& m) const {
    at::Tensor sum = at::zeros({kOut, kIn}, at::kDouble);
    int64_t begin = 0;
    for (size_t k = 0; k < kRanks.size(); ++k) {
      sum += up_.narrow(1, begin, kRanks[k]).matmul(down_.narrow(0, begin, kRanks[k])) *
             m[static_cast<int64_t>(k)];
      begin += kRanks[k];
    }
    return sum;
  }
  static RoutedContext context(double weight, const at::Tensor& x, double first, double second) {
    return {weight, x.t().matmul(x) / static_cast<double>(x.size(0)),
            at::tensor({first, first, second, second, second}, at::kDouble)};
  }
  at::Generator generator_ = make_generator(1);
  const at::Tensor down_ = at::randn({5, kIn}, make_generator(2), at::kDouble);
  const at::Tensor up_ = at::randn({kOut, 5}, make_generator(3), at::kDouble);
};

TEST_F(SolvedCoefficients, OfEveryShareAreOnes) {
  const at::Tensor m =
      solve_coefficients(down_, up_, kRanks, {context(2, random({kTokens, kIn}), 1, 1)}, 0.01);
  EXPECT_LT(largest(m - 1), 1e-9);
}

TEST_F(SolvedCoefficients, MinimiseTheErrorOfTheOutputs) {
  struct Seen {
    double weight;
    at::Tensor x;
    double first, second;
  };
  const std::vector<Seen> seen{{1.0, random({kTokens, kIn}), 1, 0},
                               {1.0, random({kTokens, kIn}), 0, 1},
                               {2.0, random({kTokens, kIn}), 0.7, 1}};
  std::vector<RoutedContext> contexts;
  for (const Seen& one : seen) contexts.push_back(context(one.weight, one.x, one.first, one.second));
  const auto cost = [&](const at::Tensor& m) {
    double sum = 0;
    for (const Seen& one : seen) {
      const at::Tensor wanted = merged(at::cat(
          {at::ones({1, kIn}, at::kDouble) * one.first, at::ones({1, kIn}, at::kDouble) * one.second}));
      sum += one.weight * one.x.matmul((merged(m) - wanted).t()).square().sum().item<double>() / kTokens;
    }
    return sum;
  };
  const at::Tensor best = solve_coefficients(down_, up_, kRanks, contexts, 0);
  for (int i = 0; i < 5; ++i) EXPECT_LT(cost(best), cost(best + 1e-3 * random({2, kIn})));
  EXPECT_GT(largest(best - 1), 0.1);
}

TEST_F(SolvedCoefficients, OfAHeavyJointContextAreItsShares) {
  const at::Tensor m = solve_coefficients(
      down_, up_, kRanks,
      {context(1, random({kTokens, kIn}), 1, 0), context(1e9, random({kTokens, kIn}), 0.7, 1)}, 0);
  EXPECT_LT(largest(m[0] - 0.7), 1e-6);
  EXPECT_LT(largest(m[1] - 1), 1e-6);
}

TEST_F(SolvedCoefficients, OfALayerThatNothingReachesAreOnes) {
  const at::Tensor m =
      solve_coefficients(down_, up_, kRanks, {context(1, at::zeros({3, kIn}, at::kDouble), 1, 0)}, 0);
  EXPECT_EQ(largest(m - 1), 0);
}

TEST_F(SolvedCoefficients, OfOneTokenNeedARidge) {
  const std::vector<RoutedContext> contexts{context(1, random({1, kIn}), 1, 0)};
  EXPECT_TRUE(solve_coefficients(down_, up_, kRanks, contexts, 0.01).isfinite().all().item<bool>());
  try {
    solve_coefficients(down_, up_, kRanks, contexts, 0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
  }
}

}  // namespace
}  // namespace ziplora
