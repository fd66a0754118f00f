// Concatenating adapters equals attaching them side by side, for layers of several kinds as files have them
// and for biases and norms.
#include "ziplora/merge/concatenate.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "ziplora/base/rng.h"
#include "ziplora/lora/attach.h"
#include "ziplora/lora/delta_kind.h"
#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {
namespace {

class SmallNetwork : public Module {
 public:
  SmallNetwork()
      : conv({.in_channels = 3, .out_channels = 8, .kernel_size = 3, .padding = 1}),
        norm(2, 8, 1e-5),
        fc(8, 6) {
    register_module("conv", conv);
    register_module("norm", norm);
    register_module("fc", fc);
  }
  at::Tensor forward(const at::Tensor& image) const {
    return fc.forward(norm.forward(conv.forward(image)).flatten(2).transpose(1, 2));
  }
  Conv2d conv;
  GroupNorm norm;
  Linear fc;
};

TEST(Concatenate, EqualsStackingInTheForwardPass) {
  at::Generator generator = make_generator(11);
  const auto random = [&](std::vector<int64_t> shape) { return at::randn(shape, generator); };
  const auto read = [&](const DeltaParts& parts, std::optional<double> alpha, std::vector<int64_t> shape) {
    return find_delta_kind(parts).to_factors(
        parts, alpha, {"unet.layer", "unet", "layer", "layer", TargetKind::kOther, std::move(shape)});
  };
  const std::vector<int64_t> kernel{8, 3, 3, 3}, matrix{6, 8};
  const Adapter lokr{
      .layers = {{"unet.conv",
                  read({{"lokr_w1", random({2, 1})}, {"lokr_w2", random({4, 3, 3, 3})}}, 3.0, kernel)},
                 {"unet.fc", read({{"hada_w1_a", random({6, 2})},
                                   {"hada_w1_b", random({2, 8})},
                                   {"hada_w2_a", random({6, 2})},
                                   {"hada_w2_b", random({2, 8})}},
                                  1.0, matrix)}},
      .vector_deltas = {{"unet.norm.weight", random({8})}, {"unet.fc.bias", random({6})}}};
  const Adapter lora{.layers = {{"unet.conv", {random({2, 3, 3, 3}), random({8, 2, 1, 1}), 5.0}}},
                     .vector_deltas = {{"unet.norm.weight", random({8})}, {"unet.norm.bias", random({8})}}};

  SmallNetwork network;
  initialize(network, generator);
  const Components components{{"unet", &network}};
  const at::Tensor image = random({2, 3, 5, 5});
  const at::Tensor plain = network.forward(image);
  at::Tensor stacked;
  {
    AttachedAdapters attached(components, {&lokr, &lora});
    attached.set_row_weights(at::tensor({0.7f, -1.5f, 0.7f, -1.5f}).view({2, 2}));
    stacked = network.forward(image);
  }
  const Adapter sum = concatenate({{&lokr, 0.7}, {&lora, -1.5}});
  AttachedAdapters attached(components, {&sum});
  const at::Tensor merged = network.forward(image);
  EXPECT_LT((merged - stacked).abs().max().item<double>(), 1e-4);
  EXPECT_GT((merged - plain).abs().max().item<double>(), 1.0);
}

}  // namespace
}  // namespace ziplora
