// What the parity tests cannot show of recomputing activations: captured graphs, exchanged slots, and that no
// activation is kept.
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/recompute.h"

namespace ziplora {
namespace {

/// Two linear layers with a square between them, counting its forward passes.
class Network : public Module {
 public:
  Network() : first(4, 4), second(4, 4) {
    register_module("first", first);
    register_module("second", second);
  }
  at::Tensor forward(const at::Tensor& x) {
    ++forward_passes;
    return second.forward(first.forward(x).square());
  }
  at::Tensor recomputed(const at::Tensor& x) {
    return recomputed_in_backward(
        *this, [this](const std::vector<at::Tensor>& inputs) { return forward(inputs[0]); }, {x});
  }
  Linear first, second;
  int forward_passes = 0;
};

class RecomputeTest : public testing::Test {
 protected:
  RecomputeTest() {
    initialize(network, generator);
    network.requires_grad(false);
    x = at::randn({3, 4}, generator);
    down = at::randn({2, 4}, generator);
    up = at::randn({4, 2}, generator);
  }
  /// Gradient of the coefficients behind both slots' down factors, one graph shared by the two layers.
  at::Tensor coefficient_gradient(bool recompute, bool exchange_slots) {
    const at::Tensor coefficients = at::randn({4}, make_generator(7)).set_requires_grad(true);
    const at::Tensor weighted = (down * coefficients).exp();
    network.first.adapter.set({weighted, up, {}});
    network.second.adapter.set({weighted, up, {}});
    const at::Tensor y = recompute ? network.recomputed(x) : network.forward(x);
    if (exchange_slots) {
      network.first.adapter.clear();
      network.second.adapter.set({down, up, {}});
    }
    y.square().sum().backward();
    return coefficients.grad();
  }
  at::Generator generator = make_generator(3);
  Network network;
  at::Tensor x, down, up;
};

TEST_F(RecomputeTest, ReachesThroughAGraphThatTwoSlotsShare) {
  EXPECT_TRUE(coefficient_gradient(true, false).equal(coefficient_gradient(false, false)));
}

TEST_F(RecomputeTest, RecomputesWithTheSlotsOfTheForwardPass) {
  const at::Tensor expected = coefficient_gradient(false, false);
  EXPECT_TRUE(coefficient_gradient(true, true).equal(expected));
  // and leaves the slots as they were exchanged
  EXPECT_TRUE(network.first.adapter.empty());
  EXPECT_TRUE(network.second.adapter.update().down.is_same(down));
}

TEST_F(RecomputeTest, RunsTwiceWithGradientAndOnceWithout) {
  coefficient_gradient(true, false);
  EXPECT_EQ(network.forward_passes, 2);
  network.first.adapter.clear();
  network.second.adapter.clear();
  network.forward_passes = 0;
  EXPECT_FALSE(network.recomputed(x).requires_grad());
  EXPECT_EQ(network.forward_passes, 1);
}

}  // namespace
}  // namespace ziplora
