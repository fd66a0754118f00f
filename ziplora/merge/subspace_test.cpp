#include "ziplora/merge/subspace.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

LoraLayer random_layer(uint64_t seed, int64_t rank) {
  at::Generator generator = make_generator(seed);
  return {at::randn({rank, 7}, generator), at::randn({9, rank}, generator), 0.5 * rank};
}

at::Tensor delta(const LoraLayer& layer) {
  return (layer.up.to(at::kDouble).mm(layer.down.to(at::kDouble))) * layer.scale();
}

TEST(Subspace, DirectionsAreAnOrthonormalBasisOfWhatTheLayerReadsAndWrites) {
  const LoraLayer layer = random_layer(1, 3);
  for (const Side side : {Side::kInput, Side::kOutput}) {
    const at::Tensor q = principal_directions(layer, side, std::nullopt);
    ASSERT_EQ(q.size(1), 3);
    EXPECT_LT((q.t().mm(q) - at::eye(3, at::kDouble)).abs().max().item<double>(), 1e-12);
    const at::Tensor d = delta(layer);
    const at::Tensor inside = side == Side::kInput ? d.mm(q).mm(q.t()) : q.mm(q.t()).mm(d);
    EXPECT_LT((inside - d).abs().max().item<double>(), 1e-5);
  }
}

TEST(Subspace, DeadRanksGiveNoDirections) {
  LoraLayer layer = random_layer(1, 4);
  layer.up.select(1, 2).zero_();
  EXPECT_EQ(principal_directions(layer, Side::kInput, std::nullopt).size(1), 3);
  EXPECT_EQ(principal_directions(layer, Side::kOutput, 2).size(1), 2);
}

TEST(Subspace, ALayerOfZerosHasNoDirectionsAtAll) {
  LoraLayer layer = random_layer(1, 4);
  layer.up.zero_();
  const at::Tensor none = principal_directions(layer, Side::kInput, std::nullopt);
  EXPECT_EQ(none.size(1), 0);
  const LoraLayer subject = random_layer(2, 3);
  EXPECT_TRUE(without_directions(subject, Side::kInput, none, 1.0).down.equal(subject.down));
}

TEST(Subspace, RemovalLeavesNothingAlongTheDirectionsAndTheRestAsItWas) {
  const LoraLayer style = random_layer(1, 3), subject = random_layer(2, 4);
  const at::Tensor v = principal_directions(style, Side::kInput, std::nullopt);
  const at::Tensor hard = delta(without_directions(subject, Side::kInput, v, 1.0));
  EXPECT_LT(hard.mm(v).abs().max().item<double>(), 1e-5);
  const at::Tensor expected = delta(subject) - 0.25 * delta(subject).mm(v).mm(v.t());
  EXPECT_LT((delta(without_directions(subject, Side::kInput, v, 0.25)) - expected).abs().max().item<double>(),
            1e-5);
  const at::Tensor u = principal_directions(style, Side::kOutput, std::nullopt);
  const at::Tensor written = delta(without_directions(subject, Side::kOutput, u, 1.0));
  EXPECT_LT(delta(style).t().mm(written).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace ziplora
