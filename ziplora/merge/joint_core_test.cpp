#include "ziplora/merge/joint_core.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"

namespace ziplora {
namespace {

LoraLayer random_layer(uint64_t seed, int64_t rank) {
  at::Generator generator = make_generator(seed);
  return {at::randn({rank, 3, 2, 2}, generator), at::randn({9, rank, 1, 1}, generator), 0.5 * rank};
}

at::Tensor delta(const LoraLayer& layer) {
  return layer.up.to(at::kDouble).flatten(1).mm(layer.down.to(at::kDouble).flatten(1)) * layer.scale();
}

double largest(const at::Tensor& difference) { return difference.abs().max().item<double>(); }

TEST(JointCore, CoresInOrthonormalBasesAreTheDeltas) {
  const LoraLayer a = random_layer(1, 2), b = random_layer(2, 4);
  const JointCore joint = joint_core("layer", {{0, &a, 0.5}, {1, &b, 2.0}});
  EXPECT_EQ(joint.left.size(1), 6);
  EXPECT_LT(largest(joint.left.t().mm(joint.left) - at::eye(6, at::kDouble)), 1e-12);
  EXPECT_LT(largest(joint.right.t().mm(joint.right) - at::eye(6, at::kDouble)), 1e-12);
  EXPECT_LT(largest(joint.left.mm(joint.cores[0]).mm(joint.right.t()) - delta(a)), 1e-12);
  EXPECT_LT(largest(joint.left.mm(joint.cores[1]).mm(joint.right.t()) - delta(b)), 1e-12);
}

TEST(JointCore, MoreRanksThanTheLayerHasRowsAreExactToo) {
  const LoraLayer a = random_layer(1, 7), b = random_layer(2, 8);
  const JointCore joint = joint_core("layer", {{0, &a, 1.0}, {1, &b, 1.0}});
  EXPECT_EQ(joint.left.size(1), 9);
  EXPECT_EQ(joint.right.size(1), 12);
  EXPECT_LT(largest(joint.left.mm(joint.cores[1]).mm(joint.right.t()) - delta(b)), 1e-12);
}

TEST(JointCore, SumsHaveTheStrengthsAndTellTheSizeOfTheirTerms) {
  const LoraLayer a = random_layer(1, 2);
  const LayerParts parts = {{0, &a, 1.5}, {1, &a, -1.5}};
  const CoreSum nothing = sum_of_cores(joint_core("layer", parts), parts);
  EXPECT_NEAR(nothing.terms, 3 * delta(a).norm().item<double>(), 1e-9);
  EXPECT_EQ(live_svd(nothing.sum, nothing.terms).s.size(0), 0);
  const LoraLayer b = random_layer(2, 4);
  const LayerParts different = {{0, &a, 0.5}, {1, &b, 2.0}};
  const JointCore joint = joint_core("layer", different);
  const at::Tensor sum = joint.left.mm(sum_of_cores(joint, different).sum).mm(joint.right.t());
  EXPECT_LT(largest(sum - 0.5 * delta(a) - 2.0 * delta(b)), 1e-12);
}

TEST(JointCore, AnSvdHasNoDeadDirections) {
  at::Generator generator = make_generator(3);
  const at::Tensor q = std::get<0>(at::linalg_svd(at::randn({5, 5}, generator, at::kDouble)));
  const at::Tensor matrix = q.mm(at::diag(at::tensor({4.0, 2.0, 1.0, 1e-7, 0.0}, at::kDouble))).mm(q.t());
  const LiveSvd svd = live_svd(matrix);
  ASSERT_EQ(svd.s.size(0), 3);
  EXPECT_LT(largest(svd.u.mm(at::diag(svd.s)).mm(svd.vt) - matrix), 1e-6);
  EXPECT_EQ(live_svd(matrix, 1.5e12).s.size(0), 2);
  EXPECT_EQ(live_svd(at::zeros({4, 3}, at::kDouble)).s.size(0), 0);
}

TEST(JointCore, TheResultHasTheShapesOfTheLayer) {
  const LoraLayer like = random_layer(1, 2);
  const LayerParts parts = {{0, &like, 1.0}};
  const at::Tensor up = at::ones({9, 3}, at::kDouble), down = at::ones({3, 12}, at::kDouble);
  const LoraLayer layer = layer_of("layer", parts, up, down);
  EXPECT_TRUE(layer.down.sizes().equals({3, 3, 2, 2}));
  EXPECT_TRUE(layer.up.sizes().equals({9, 3, 1, 1}));
  EXPECT_EQ(layer.scale(), 1.0);
  const LoraLayer none = layer_of("layer", parts, up.narrow(1, 0, 0), down.narrow(0, 0, 0));
  EXPECT_EQ(none.rank(), 1);
  EXPECT_EQ(largest(delta(none)), 0);
}

TEST(JointCore, WhatIsNotFiniteIsAnErrorThatNamesTheLayer) {
  LoraLayer broken = random_layer(1, 2);
  const LayerParts parts = {{0, &broken, 1.0}};
  EXPECT_THROW(layer_of("layer", parts, at::ones({9, 1}, at::kDouble) * 1e39, at::ones({1, 12}, at::kDouble)),
               Error);
  broken.up.fill_(std::nan(""));
  try {
    joint_core("layer", parts);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNonFinite);
    EXPECT_EQ(error.where(), "merge: layer");
  }
}

}  // namespace
}  // namespace ziplora
