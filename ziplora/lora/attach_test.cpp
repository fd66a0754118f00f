#include "ziplora/lora/attach.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/nn/conv2d.h"
#include "ziplora/nn/linear.h"
#include "ziplora/nn/normalization.h"

namespace ziplora {
namespace {

class TwoLayers : public Module {
 public:
  TwoLayers()
      : to_q(6, 5), conv({.in_channels = 3, .out_channels = 4, .kernel_size = 3, .stride = 2, .padding = 1}) {
    register_module("to_q", to_q);
    register_module("conv", conv);
  }
  Linear to_q;
  Conv2d conv;
};

struct AttachTest : ::testing::Test {
  AttachTest() { initialize(model, generator); }

  LoraLayer linear_layer(int64_t rank, std::optional<double> alpha) {
    return {at::randn({rank, 6}, generator), at::randn({5, rank}, generator), alpha};
  }
  LoraLayer conv_layer(int64_t rank, std::optional<double> alpha) {
    return {at::randn({rank, 3, 3, 3}, generator), at::randn({4, rank, 1, 1}, generator), alpha};
  }
  static at::Tensor delta(const LoraLayer& layer) {
    at::Tensor product = layer.up.flatten(1).matmul(layer.down.flatten(1)) * layer.scale();
    return layer.is_convolution() ? product.view({4, 3, 3, 3}) : product;
  }
  static double distance(const at::Tensor& a, const at::Tensor& b) {
    return (a - b).abs().max().item<double>();
  }

  at::Generator generator = make_generator(7);
  TwoLayers model;
  Components components{{"unet", &model}};
};

TEST_F(AttachTest, OneAdapterEqualsItsDeltaAddedToTheWeight) {
  Adapter adapter{.layers = {{"unet.to_q", linear_layer(2, 5.0)}, {"unet.conv", conv_layer(3, 1.0)}}};
  const at::Tensor x = at::randn({2, 7, 6}, generator), image = at::randn({2, 3, 8, 8}, generator);
  AttachedAdapters attached(components, {&adapter});
  EXPECT_LT(distance(model.to_q.forward(x),
                     at::linear(x, model.to_q.weight + delta(adapter.layers["unet.to_q"]), model.to_q.bias)),
            1e-4);
  const std::vector<int64_t> stride(2, 2), padding(2, 1);
  EXPECT_LT(distance(model.conv.forward(image),
                     at::conv2d(image, model.conv.weight + delta(adapter.layers["unet.conv"]),
                                model.conv.bias, stride, padding)),
            1e-4);
}

TEST_F(AttachTest, MissingAlphaIsScaleOne) {
  const LoraLayer layer = linear_layer(4, std::nullopt);
  EXPECT_EQ(layer.scale(), 1.0);
  EXPECT_EQ(linear_layer(4, 0.0).scale(), 0.0);
  EXPECT_EQ(linear_layer(4, 2.0).scale(), 0.5);
}

TEST_F(AttachTest, RowsWeighAdaptersOfDifferentRanksSeparately) {
  Adapter subject{.layers = {{"unet.to_q", linear_layer(2, 1.0)}, {"unet.conv", conv_layer(1, 2.0)}}};
  Adapter style{.layers = {{"unet.to_q", linear_layer(5, std::nullopt)}}};
  const at::Tensor weights = at::tensor({0.f, 0.f, 1.f, 0.f, 0.f, 1.f, 0.7f, -1.5f}).view({4, 2});
  const at::Tensor x = at::randn({4, 7, 6}, generator), image = at::randn({4, 3, 8, 8}, generator);
  AttachedAdapters attached(components, {&subject, &style});
  attached.set_row_weights(weights);
  const at::Tensor y = model.to_q.forward(x), z = model.conv.forward(image);
  const std::vector<int64_t> stride(2, 2), padding(2, 1);
  for (int64_t row = 0; row < 4; ++row) {
    const double w0 = weights[row][0].item<double>(), w1 = weights[row][1].item<double>();
    const at::Tensor weight =
        model.to_q.weight + w0 * delta(subject.layers["unet.to_q"]) + w1 * delta(style.layers["unet.to_q"]);
    EXPECT_LT(distance(y[row], at::linear(x[row], weight, model.to_q.bias)), 1e-4) << "row " << row;
    const at::Tensor kernel = model.conv.weight + w0 * delta(subject.layers["unet.conv"]);
    EXPECT_LT(
        distance(z[row], at::conv2d(image[row].unsqueeze(0), kernel, model.conv.bias, stride, padding)[0]),
        1e-4);
  }
  attached.set_row_weights({});  // back to: every adapter at 1
  const at::Tensor both =
      model.to_q.weight + delta(subject.layers["unet.to_q"]) + delta(style.layers["unet.to_q"]);
  EXPECT_LT(distance(model.to_q.forward(x), at::linear(x, both, model.to_q.bias)), 1e-4);
}

class WithVectors : public Module {
 public:
  WithVectors()
      : group_norm(2, 4, 1e-5),
        layer_norm(4),
        fc(4, 5),
        conv({.in_channels = 4, .out_channels = 3, .kernel_size = 1}) {
    register_module("group_norm", group_norm);
    register_module("layer_norm", layer_norm);
    register_module("fc", fc);
    register_module("conv", conv);
  }
  at::Tensor forward(const at::Tensor& image) const {
    const at::Tensor x = group_norm.forward(image);
    return fc.forward(layer_norm.forward(x.flatten(2).transpose(1, 2))).sum(1) +
           conv.forward(x).sum({1, 2, 3}).unsqueeze(1);
  }
  GroupNorm group_norm;
  LayerNorm layer_norm;
  Linear fc;
  Conv2d conv;
};

TEST_F(AttachTest, RowsWeighBiasesAndNormsSeparately) {
  WithVectors network;
  initialize(network, generator);
  const Components parts{{"unet", &network}};
  Adapter subject, style;
  for (const char* name : {"group_norm.weight", "group_norm.bias", "layer_norm.weight", "layer_norm.bias"})
    subject.vector_deltas[std::string("unet.") + name] = at::randn({4}, generator);
  subject.vector_deltas["unet.fc.bias"] = at::randn({5}, generator);
  style.vector_deltas["unet.group_norm.weight"] = at::randn({4}, generator);
  style.vector_deltas["unet.conv.bias"] = at::randn({3}, generator);
  const at::Tensor weights = at::tensor({0.f, 0.f, 1.f, 0.f, 0.7f, -1.5f}).view({3, 2});
  const at::Tensor image = at::randn({3, 4, 3, 3}, generator);
  const at::Tensor plain = network.forward(image);
  at::Tensor rows;
  {
    AttachedAdapters attached(parts, {&subject, &style});
    attached.set_row_weights(weights);
    rows = network.forward(image);
  }
  EXPECT_EQ(distance(network.forward(image), plain), 0.0);  // the scope is left
  EXPECT_LT(distance(rows[0], plain[0]), 1e-5);
  for (int64_t row = 1; row < 3; ++row) {
    WithVectors changed;
    changed.for_each_parameter([&](const std::string& path, Module::Parameter& parameter) {
      network.for_each_parameter([&](const std::string& other, Module::Parameter& original) {
        if (other == path) *parameter.tensor = *original.tensor;
      });
      for (int64_t k = 0; k < 2; ++k)
        if (const auto& deltas = (k ? style : subject).vector_deltas; deltas.count("unet." + path))
          *parameter.tensor = *parameter.tensor + weights[row][k] * deltas.at("unet." + path);
    });
    EXPECT_LT(distance(rows[row], changed.forward(image)[row]), 1e-4) << "row " << row;
    EXPECT_GT(distance(rows[row], plain[row]), 0.1) << "row " << row;
  }
}

TEST_F(AttachTest, RefusesVectorsThatTheModelLacks) {
  Adapter lacking, wide;
  lacking.vector_deltas["unet.norm.bias"] = at::randn({5}, generator);
  wide.vector_deltas["unet.to_q.bias"] = at::randn({6}, generator);
  EXPECT_THROW(AttachedAdapters(components, {&lacking}), Error);
  EXPECT_THROW(AttachedAdapters(components, {&wide}), Error);
}

TEST_F(AttachTest, LeavingTheScopeEmptiesTheSlots) {
  const Adapter adapter{.layers = {{"unet.to_q", linear_layer(2, 1.0)}}};
  const at::Tensor x = at::randn({1, 6}, generator), before = model.to_q.forward(x);
  {
    AttachedAdapters attached(components, {&adapter});
    EXPECT_GT(distance(model.to_q.forward(x), before), 1e-3);
  }
  EXPECT_TRUE(model.to_q.adapter.empty());
  EXPECT_EQ(distance(model.to_q.forward(x), before), 0.0);
}

TEST_F(AttachTest, TakesTheDtypeOfTheLayer) {
  model.to_q.weight = model.to_q.weight.to(at::kBFloat16);
  model.to_q.bias = model.to_q.bias.to(at::kBFloat16);
  const Adapter adapter{.layers = {{"unet.to_q", linear_layer(2, 1.0)}}};
  AttachedAdapters attached(components, {&adapter});
  attached.set_row_weights(at::tensor({0.5f}).view({1, 1}));
  EXPECT_EQ(model.to_q.forward(at::randn({1, 6}, generator).to(at::kBFloat16)).scalar_type(), at::kBFloat16);
}

template <typename Function>
Error error_of(Function function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  throw std::logic_error("no error was thrown");
}

TEST_F(AttachTest, NamesTargetFoundAndNeededShapes) {
  Adapter wide{.layers = {{"unet.to_q", {at::randn({2, 8}, generator), at::randn({5, 2}, generator), 1.0}}}};
  wide.source = "cat.safetensors";
  Error error = error_of([&] { AttachedAdapters(components, {&wide}); });
  EXPECT_EQ(error.kind(), ErrorKind::kIncompatible);
  EXPECT_STREQ(error.what(), "attach: cat.safetensors: unet.to_q down is [2, 8], the model needs [2, 6]");
  EXPECT_NE(error.hint().find("ziplora inspect cat.safetensors"), std::string::npos);

  const Adapter tall{
      .layers = {{"unet.to_q", {at::randn({2, 6}, generator), at::randn({9, 2}, generator), 1.0}}}};
  error = error_of([&] { AttachedAdapters(components, {&tall}); });
  EXPECT_EQ(error.problem(), "unet.to_q up is [9, 2], the model needs [5, 2]");

  const Adapter flat{
      .layers = {{"unet.conv", {at::randn({2, 27}, generator), at::randn({4, 2}, generator), 1.0}}}};
  error = error_of([&] { AttachedAdapters(components, {&flat}); });
  EXPECT_EQ(error.problem(), "unet.conv down is [2, 27], the model needs [2, 3, 3, 3]");
  EXPECT_TRUE(model.to_q.adapter.empty());
}

TEST_F(AttachTest, RefusesTargetsThatTheModelLacks) {
  const Adapter adapter{
      .layers = {{"unet.to_q", linear_layer(2, 1.0)}, {"text_encoder.fc1", linear_layer(2, 1.0)}}};
  const Error error = error_of([&] { AttachedAdapters(components, {&adapter}); });
  EXPECT_EQ(error.kind(), ErrorKind::kIncompatible);
  EXPECT_EQ(error.problem(), "the model lacks 1 of its 2 targets: text_encoder.fc1");
  EXPECT_TRUE(model.to_q.adapter.empty());
}

TEST_F(AttachTest, RefusesASecondOwnerAndWrongWeights) {
  const Adapter adapter{.layers = {{"unet.to_q", linear_layer(2, 1.0)}}};
  AttachedAdapters attached(components, {&adapter});
  EXPECT_EQ(error_of([&] { AttachedAdapters(components, {&adapter}); }).kind(), ErrorKind::kInternal);
  EXPECT_FALSE(model.to_q.adapter.empty());
  EXPECT_EQ(error_of([&] {
              attached.set_row_weights(at::randn({2, 3}, generator));
            }).kind(),
            ErrorKind::kInternal);
}

}  // namespace
}  // namespace ziplora
