// An adapter in a slot must have the effect of adding up @ down to the weight, for every kind of layer and
// every row of a batch.
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"
#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"

namespace ziplora {
namespace {

constexpr int64_t kRank = 3;

struct LinearCase {
  static constexpr const char* kEquation = "or,ri->oi";
  LinearCase() : layer(5, 7), x(at::randn({2, 4, 5}, generator, at::kDouble)) {
    update.down = at::randn({kRank, 5}, generator, at::kDouble);
    update.up = at::randn({7, kRank}, generator, at::kDouble);
  }
  at::Generator generator = make_generator(1);
  Linear layer;
  at::Tensor x;
  LowRankUpdate update;
};

struct ConvolutionCase {
  static constexpr const char* kEquation = "orab,rikl->oikl";
  ConvolutionCase()
      : layer({.in_channels = 5, .out_channels = 7, .kernel_size = 3, .stride = 2, .padding = 1}),
        x(at::randn({2, 5, 9, 6}, generator, at::kDouble)) {
    update.down = at::randn({kRank, 5, 3, 3}, generator, at::kDouble);
    update.up = at::randn({7, kRank, 1, 1}, generator, at::kDouble);
  }
  at::Generator generator = make_generator(2);
  Conv2d layer;
  at::Tensor x;
  LowRankUpdate update;
};

template <class Case>
class AdapterSlotTest : public testing::Test {
 protected:
  AdapterSlotTest() {
    test_case.layer.reset_parameters(test_case.generator);
    test_case.layer.weight = test_case.layer.weight.to(at::kDouble);
    test_case.layer.bias = test_case.layer.bias.to(at::kDouble);
  }
  /// The layer's result with ΔW = up · diag(gate) · down added to its weight and nothing in its slot.
  at::Tensor with_dense_delta(const at::Tensor& x, const at::Tensor& gate) {
    const at::Tensor base = test_case.layer.weight;
    std::vector<int64_t> shape(test_case.update.down.dim(), 1);
    shape[0] = kRank;
    const at::Tensor gated_down = test_case.update.down * gate.view(shape);
    test_case.layer.weight = base + at::einsum(Case::kEquation, {test_case.update.up, gated_down});
    const LowRankUpdate kept = test_case.layer.adapter.update();
    test_case.layer.adapter.clear();
    const at::Tensor y = test_case.layer.forward(x);
    test_case.layer.adapter.set(kept);
    test_case.layer.weight = base;
    return y;
  }
  Case test_case;
};
using Cases = testing::Types<LinearCase, ConvolutionCase>;
TYPED_TEST_SUITE(AdapterSlotTest, Cases);

TYPED_TEST(AdapterSlotTest, EqualsAddingTheProductToTheWeight) {
  auto& [generator, layer, x, update] = this->test_case;
  const at::Tensor base = layer.forward(x);
  layer.adapter.set(update);
  const at::Tensor adapted = layer.forward(x);
  EXPECT_TRUE(at::allclose(adapted, this->with_dense_delta(x, at::ones({kRank}, at::kDouble)), 1e-10, 1e-10));
  EXPECT_FALSE(at::allclose(adapted, base, 1e-3, 1e-3));
  layer.adapter.clear();
  EXPECT_TRUE(layer.forward(x).equal(base));
}

TYPED_TEST(AdapterSlotTest, EachRowTakesTheRanksAtItsOwnWeights) {
  auto& [generator, layer, x, update] = this->test_case;
  update.row_gate = at::tensor({1.0, 0.0, -2.0, 0.0, 0.0, 0.5}, at::kDouble).view({2, kRank});
  layer.adapter.set(update);
  const at::Tensor expected = at::cat({this->with_dense_delta(x.narrow(0, 0, 1), update.row_gate[0]),
                                       this->with_dense_delta(x.narrow(0, 1, 1), update.row_gate[1])});
  EXPECT_TRUE(at::allclose(layer.forward(x), expected, 1e-10, 1e-10));
}

TYPED_TEST(AdapterSlotTest, FactorsMayHaveAnotherDtypeThanTheActivations) {
  auto& [generator, layer, x, update] = this->test_case;
  layer.adapter.set(update);
  const at::Tensor expected = layer.forward(x);
  layer.adapter.set(update.as(at::kFloat));
  EXPECT_TRUE(at::allclose(layer.forward(x), expected, 1e-5, 1e-5));
}

}  // namespace
}  // namespace ziplora
