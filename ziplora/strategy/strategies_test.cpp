// The contract of the table, and what each strategy lets its adapters do in each step.
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <set>

#include "ziplora/base/error.h"
#include "ziplora/base/rng.h"
#include "ziplora/strategy/strategy.h"

namespace ziplora {
namespace {

const Strengths kBoth{1.0, 0.8};

struct StrategiesTest : ::testing::Test {
  StrategiesTest() {
    at::Generator generator = make_generator(5);
    for (Adapter* adapter : {&subject, &style, &further})
      for (const char* projection : {"to_q", "to_out.0"})
        adapter->layers["unet.mid_block.attentions.0.transformer_blocks.0.attn1." + std::string(projection)] =
            {at::randn({2, 6}, generator), at::randn({6, 2}, generator)};
  }
  std::unique_ptr<Strategy> make(const std::string& name, const nlohmann::json& options, size_t steps) {
    auto strategy = make_strategy(name, options, {{&subject, Role::kSubject}, {&style, Role::kStyle}});
    if (strategy) strategy->set_steps(steps, progress);
    return strategy;
  }
  Adapter subject, style, further;
  NullProgress progress;
};

TEST_F(StrategiesTest, EachOfTheTableGivesAStrengthToEveryAdapter) {
  std::set<std::string> names;
  for (const StrategyEntry& entry : strategies()) {
    SCOPED_TRACE(entry.name);
    EXPECT_TRUE(names.insert(entry.name).second);
    auto strategy = make_strategy(entry.name, nlohmann::json::object(),
                                  {{&further}, {&subject, Role::kSubject}, {&style, Role::kStyle}});
    if (!strategy) continue;
    strategy->set_steps(7, progress);
    const Strengths row{0.5, 1.0, 0.8};
    for (size_t prediction = 0; prediction < strategy->predictions(row); ++prediction) {
      std::vector<RowStrengths> all{strategy->text_strengths(row, prediction)};
      for (size_t step = 0; step < 7; ++step) {
        all.push_back(strategy->strengths(row, prediction, step));
        for (const LayerChoice& choice : strategy->layer_choices(step)) {
          EXPECT_TRUE(subject.layers.count(choice.target));
          EXPECT_EQ(choice.worn + choice.left_out, 3) << "the subject and the style, whatever else is worn";
        }
      }
      for (const RowStrengths& worn : all)
        for (const Strengths& strengths : {worn.conditional, worn.unconditional}) {
          ASSERT_EQ(strengths.size(), row.size());
          for (size_t k = 0; k < row.size(); ++k)
            EXPECT_TRUE(strengths[k] == 0 || strengths[k] == row[k]) << "the user's strength, or none";
        }
    }
  }
}

TEST_F(StrategiesTest, TheFirstIsTheDefaultAndChangesNothing) {
  EXPECT_STREQ(strategies().front().name, "merged");
  EXPECT_EQ(make("merged", nlohmann::json::object(), 4), nullptr);
}

TEST_F(StrategiesTest, UnknownNamesAndOptionsAreRefusedWithTheNearest) {
  try {
    make("swich", nlohmann::json::object(), 4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(error.hint().find("'switch'"), std::string::npos) << error.hint();
  }
  try {
    make("composite", {{"switch-every", 2}}, 4);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.problem().find("it is an option of switch"), std::string::npos) << error.problem();
  }
  EXPECT_THROW(make("switch", {{"switch-every", 0}}, 4), Error);
}

TEST_F(StrategiesTest, SwitchGivesEachItsTurnAndTheTextToTheFirst) {
  const auto strategy = make("switch", {{"switch-every", 2}}, 7);
  for (size_t step = 0; step < 7; ++step) {
    const bool of_style = step == 3 || step == 4;
    const Strengths expected = of_style ? Strengths{0, 0.8} : Strengths{1, 0};
    EXPECT_EQ(strategy->strengths(kBoth, 0, step).conditional, expected) << step;
    EXPECT_EQ(strategy->strengths(kBoth, 0, step).unconditional, expected) << step;
  }
  EXPECT_EQ(strategy->text_strengths(kBoth, 0).conditional, (Strengths{1, 0}));
  EXPECT_EQ(strategy->strengths({1, 0, 0.5}, 0, 3).conditional, (Strengths{0, 0, 0.5}))
      << "what a row does not wear has no turn";
}

TEST_F(StrategiesTest, CompositePredictsWithEachAdapterAlone) {
  const auto strategy = make("composite", nlohmann::json::object(), 7);
  EXPECT_EQ(strategy->predictions(kBoth), 2);
  EXPECT_EQ(strategy->predictions({1, 0, 0.5}), 2);
  EXPECT_EQ(strategy->strengths({1, 0, 0.5}, 1, 6).unconditional, (Strengths{0, 0, 0.5}));
  EXPECT_EQ(strategy->text_strengths(kBoth, 1).conditional, kBoth);
}

TEST_F(StrategiesTest, AsymmetricGuidanceHasThePapersWindowsOfFiftySteps) {
  const auto strategy = make("asymmetric-guidance", nlohmann::json::object(), 50);
  for (size_t step = 0; step < 50; ++step) {
    const size_t number = step + 1;
    const RowStrengths worn = strategy->strengths(kBoth, 0, step);
    EXPECT_EQ(worn.conditional, (Strengths{number <= 35 ? 1.0 : 0.0, number >= 15 ? 0.8 : 0.0})) << number;
    EXPECT_EQ(worn.unconditional, (Strengths{0, 0}));
  }
  EXPECT_EQ(strategy->text_strengths(kBoth, 0).conditional, kBoth);
  EXPECT_EQ(strategy->text_strengths(kBoth, 0).unconditional, (Strengths{0, 0}));
}

TEST_F(StrategiesTest, AWindowEndsAtItsShareOfAnyNumberOfSteps) {
  const auto strategy = make("asymmetric-guidance", nlohmann::json::object(), 90);
  EXPECT_EQ(strategy->strengths(kBoth, 0, 62).conditional[0], 1.0)
      << "0.7 · 90 is 63, and a bit less in floats";
  EXPECT_EQ(strategy->strengths(kBoth, 0, 63).conditional[0], 0.0);
}

TEST_F(StrategiesTest, KLoraNeedsALayerThatBothChange) {
  style.layers.clear();
  style.layers["unet.mid_block.resnets.0.conv1"] = {};
  EXPECT_THROW(make("k-lora", nlohmann::json::object(), 4), Error);
}

}  // namespace
}  // namespace ziplora
