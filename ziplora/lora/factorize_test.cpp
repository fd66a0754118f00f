#include "ziplora/lora/factorize.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

at::Tensor product(const LoraLayer& layer) {
  return layer.up.to(at::kDouble).flatten(1).matmul(layer.down.to(at::kDouble).flatten(1)) * layer.scale();
}

// Referee: the SVD of the whole matrix.
void expect_best_of_rank(const at::Tensor& delta, int64_t rank) {
  const at::Tensor whole = delta.to(at::kDouble).flatten(1), s = std::get<1>(at::linalg_svd(whole));
  const CompressedLayer found = factorize(delta, {.most = rank});
  const double best = s.narrow(0, rank, s.size(0) - rank).norm().item<double>(),
               norm = s.norm().item<double>();
  EXPECT_NEAR((whole - product(found.layer)).norm().item<double>(), best, 1e-6 * norm);
  EXPECT_NEAR(found.dropped_norm, best, 1e-9 * norm);
  EXPECT_NEAR(found.norm, norm, 1e-9 * norm);
  EXPECT_EQ(found.layer.rank(), rank);
  EXPECT_EQ(found.layer.is_convolution(), delta.dim() == 4);
  EXPECT_EQ(found.layer.down.sizes().slice(1), delta.sizes().slice(1));
}

TEST(Factorize, IsTheBestOfItsRankForTallWideAndConvolutionLayers) {
  at::Generator generator = make_generator(5);
  expect_best_of_rank(at::randn({14, 30}, generator), 3);
  expect_best_of_rank(at::randn({30, 14}, generator), 5);
  expect_best_of_rank(at::randn({10, 4, 3, 3}, generator), 2);
  expect_best_of_rank(at::randn({12, 12}, generator).to(at::kHalf), 12);
}

TEST(Factorize, FindsTheRanksThatArithmeticLeaves) {
  at::Generator generator = make_generator(6);
  const at::Tensor delta = at::randn({40, 3}, generator).matmul(at::randn({3, 50}, generator));
  const CompressedLayer found = factorize(delta, {.most = 64, .energy = 1 - 1e-10});
  EXPECT_EQ(found.layer.rank(), 3);
  EXPECT_LT(found.relative_error(), 1e-6);
}

TEST(Factorize, RanksThatAMatrixLacksStaySmall) {
  at::Generator generator = make_generator(7);
  for (int trial = 0; trial < 20; ++trial) {  // as methods leave it that keep few values
    const double density = 1e-3 * (1 + trial % 2);
    const at::Tensor delta = at::randn({192, 192}, generator) * (at::rand({192, 192}, generator) < density);
    const CompressedLayer found = factorize(delta, {.most = 192});
    const double largest = delta.norm().item<double>();  // no singular value is larger
    EXPECT_LE(found.layer.up.abs().max().item<double>(), std::sqrt(largest) * (1 + 1e-6)) << trial;
    EXPECT_LE(found.layer.down.abs().max().item<double>(), std::sqrt(largest) * (1 + 1e-6)) << trial;
    EXPECT_LT((product(found.layer) - delta).norm().item<double>(), 1e-6 * delta.norm().item<double>());
  }
}

TEST(Factorize, ZeroStaysZeroAndNanIsRefused) {
  EXPECT_FALSE(product(factorize(at::zeros({6, 4}), {.most = 2}).layer).any().item<bool>());
  at::Tensor broken = at::zeros({6, 4});
  broken[1][2] = std::numeric_limits<double>::quiet_NaN();
  try {
    factorize(broken, {.most = 2});
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
    EXPECT_EQ(error.hint().find("checkpoint"), std::string::npos) << error.hint();  // merges come here, too
  }
}

}  // namespace
}  // namespace ziplora
