#include "ziplora/pipeline/pass_rows.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/nn/linear.h"
#include "ziplora/pipeline/text_to_image.h"

namespace ziplora {
namespace {

/// Two predictions of each image; in the second step layer "unet.first" wears adapter 1 alone.
class Steering : public Strategy {
 public:
  void set_steps(size_t, ProgressSink&) override {}
  size_t predictions(const Strengths&) const override { return 2; }
  RowStrengths strengths(const Strengths& row, size_t prediction, size_t) const override {
    return {row, Strengths(row.size(), static_cast<double>(prediction))};
  }
  std::vector<LayerChoice> layer_choices(size_t step) const override {
    if (step == 0) return {};
    return {{.target = "unet.first", .worn = 1, .left_out = 0}};
  }
};

class TwoLinears : public Module {
 public:
  TwoLinears() : first(3, 3), second(3, 3) {
    register_module("first", first);
    register_module("second", second);
  }
  Linear first, second;
};

struct PassRowsTest : ::testing::Test {
  const Steering strategy;
  const std::vector<ImageRow> images{{.prompt = "one", .negative_prompt = {}, .adapter_weights = {0.5, 0}},
                                     {.prompt = "two", .negative_prompt = {}, .adapter_weights = {0.5, 2}},
                                     {.prompt = "base", .negative_prompt = {}, .adapter_weights = {0, 0}}};
};

TEST_F(PassRowsTest, WithoutAStrategyEachImageIsOneRow) {
  const PassRows rows(images, nullptr);
  EXPECT_EQ(rows.size(), 3);
  EXPECT_TRUE(rows.is_constant());
  EXPECT_EQ(rows.strengths(1, 5).unconditional, (Strengths{0.5, 2}));
  const at::Tensor predictions = at::arange(6).view({3, 2});
  EXPECT_TRUE(rows.mean_by_image(predictions).is_same(predictions));
}

TEST_F(PassRowsTest, OnlyAnImageOfSeveralAdaptersIsSteered) {
  const PassRows rows(images, &strategy);
  ASSERT_EQ(rows.size(), 4);
  EXPECT_FALSE(rows.is_constant());
  EXPECT_EQ(rows.image(2).prompt, "two");
  EXPECT_EQ(rows.image_index(3), 2);
  EXPECT_EQ(rows.strengths(0, 0).unconditional, (Strengths{0.5, 0}));
  EXPECT_EQ(rows.strengths(1, 0).unconditional, (Strengths{0, 0}));
  EXPECT_EQ(rows.strengths(2, 0).unconditional, (Strengths{1, 1}));
  const at::Tensor predictions = at::tensor({1.0, 2.0, 4.0, 8.0}).view({4, 1});
  EXPECT_TRUE(rows.mean_by_image(predictions).equal(at::tensor({1.0, 3.0, 8.0}).view({3, 1})));
}

TEST_F(PassRowsTest, AChoiceOfALayerStaysInThatLayerThatStepAndThoseWhoWearBoth) {
  at::Generator generator = make_generator(2);
  TwoLinears model;
  initialize(model, generator);
  const auto layer = [&] { return LoraLayer{at::randn({1, 3}, generator), at::randn({3, 1}, generator)}; };
  const Adapter zero{.layers = {{"unet.first", layer()}, {"unet.second", layer()}}};
  const Adapter one{.layers = {{"unet.first", layer()}, {"unet.second", layer()}}};
  AttachedAdapters attached({{"unet", &model}}, {&zero, &one});
  const PassRows rows(images, &strategy);
  const auto gates = [](const Linear& linear) { return linear.adapter.update().row_gate; };

  const at::Tensor all = at::tensor({0.5f, 0.f, 0.5f, 2.f}).view({2, 2});
  for (const size_t step : {0, 1, 0}) {
    rows.wear(attached, 0, 2, /*guided=*/false, step);
    EXPECT_TRUE(gates(model.second).equal(all));
    EXPECT_TRUE(gates(model.first).equal(step == 0 ? all : at::tensor({0.5f, 0.f, 0.f, 2.f}).view({2, 2})));
  }
  rows.wear(attached, 2, 2, /*guided=*/true, 1);
  const at::Tensor guided = at::tensor({1.f, 1.f, 0.f, 0.f, 0.5f, 2.f, 0.f, 0.f}).view({4, 2});
  const at::Tensor chosen = at::tensor({0.f, 1.f, 0.f, 0.f, 0.f, 2.f, 0.f, 0.f}).view({4, 2});
  EXPECT_TRUE(gates(model.second).equal(guided));
  EXPECT_TRUE(gates(model.first).equal(chosen));
  EXPECT_THROW(attached.set_row_weights("unet.third", chosen), Error) << "no adapter changes it";
}

}  // namespace
}  // namespace ziplora
