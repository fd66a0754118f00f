#include "ziplora/lora/rank_split.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ziplora/base/error.h"

namespace ziplora {
namespace {

Adapter of_ranks(const std::map<std::string, int64_t>& ranks) {
  Adapter adapter;
  for (const auto& [target, rank] : ranks)
    adapter.layers[target] = {at::ones({rank, 3}), at::ones({2, rank}), std::nullopt};
  return adapter;
}

const Adapter kSubject = of_ranks({{"unet.a", 2}, {"unet.b", 2}, {"text.c", 2}});
const Adapter kStyle = of_ranks({{"unet.a", 3}, {"unet.b", 3}, {"unet.d", 1}});
const std::vector<Role> kRoles = {Role::kSubject, Role::kStyle};

Adapter merged() {
  Adapter adapter = of_ranks({{"unet.a", 5}, {"unet.b", 5}, {"text.c", 2}, {"unet.d", 1}});
  adapter.metadata["ziplora.split"] = to_metadata(*split_of(kRoles, {&kSubject, &kStyle}, adapter));
  return adapter;
}

TEST(RankSplit, MostLayersRanksAreToldOnceAndTheOthersByName) {
  EXPECT_EQ(merged().metadata.at("ziplora.split"),
            R"({"other_ranks":{"text.c":[2,0],"unet.d":[0,1]},"ranks":[2,3],"roles":["subject","style"]})");
}

TEST(RankSplit, ALayerOfAnotherRankThanItsInputsTogetherHasNone) {
  EXPECT_FALSE(split_of(kRoles, {&kSubject, &kStyle}, of_ranks({{"unet.a", 5}, {"unet.b", 3}})));
  EXPECT_FALSE(split_of(kRoles, {&kSubject, &kStyle}, Adapter{}));
}

TEST(RankSplit, ScalesTheColumnsOfARoleAndNothingElse) {
  Adapter adapter = merged();
  const at::Tensor up = adapter.layers.at("unet.a").up;
  scale_role(adapter, Role::kStyle, 0.5, "test");
  const auto row = [&](const char* target) {
    const at::Tensor first = adapter.layers.at(target).up[1];
    return std::vector<float>(first.const_data_ptr<float>(), first.const_data_ptr<float>() + first.numel());
  };
  EXPECT_EQ(row("unet.a"), (std::vector<float>{1, 1, 0.5, 0.5, 0.5}));
  EXPECT_EQ(row("text.c"), (std::vector<float>{1, 1}));
  EXPECT_EQ(row("unet.d"), (std::vector<float>{0.5}));
  EXPECT_TRUE(at::equal(up, at::ones({2, 5}))) << "the tensor that others may share has changed";
}

TEST(RankSplit, LayersThatDoNothingNeedNoSplitAndOthersDo) {
  Adapter adapter = merged();
  adapter.layers["unet.e"] = {at::zeros({1, 3}), at::zeros({2, 1}), std::nullopt};
  EXPECT_NO_THROW(scale_role(adapter, Role::kStyle, 0, "test"));
  adapter.layers["unet.e"].up = at::ones({2, 1});
  EXPECT_THROW(scale_role(adapter, Role::kStyle, 0, "test"), Error);
}

TEST(RankSplit, WhatIsNoSplitIsRefused) {
  for (const char* text : {"", "[]", R"({"roles": ["style"]})", R"({"roles": ["style"], "ranks": [1, 2]})",
                           R"({"roles": ["style"], "ranks": [5], "other_ranks": {"unet.a": 5}})",
                           R"({"roles": ["style"], "ranks": [5], "other_ranks": [5]})",
                           R"({"roles": ["style"], "ranks": [99999999999]})",
                           R"({"roles": ["artist"], "ranks": [5]})", R"({"roles": [1], "ranks": [5]})"}) {
    Adapter adapter = of_ranks({{"unet.a", 5}});
    adapter.metadata["ziplora.split"] = text;
    EXPECT_THROW(scale_role(adapter, Role::kStyle, 0, "test"), Error) << text;
  }
}

}  // namespace
}  // namespace ziplora
